// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Foundation
import Testing

@Suite("Declared limits")
struct DeclaredLimitTests {
    static func definition(_ first: [DeclaredLimit]?, _ second: [DeclaredLimit]? = nil) -> Definition {
        Definition(
            name: "limited",
            version: 1,
            start: "one",
            states: [
                StateDefinition(
                    name: "one",
                    step: .task(run: TaskDefinition(handler: "exec", name: "One", limits: first), to: ["two"])
                ),
                StateDefinition(
                    name: "two",
                    step: .task(run: TaskDefinition(handler: "exec", name: "Two", limits: second), to: ["end"])
                ),
                StateDefinition(name: "end", step: .exit(.success)),
            ]
        )
    }

    static let every = [
        DeclaredLimit("db", .concurrency(10)),
        DeclaredLimit("github", .rate(50, per: .seconds(60))),
        DeclaredLimit(
            "payments",
            .breaker(BreakerPolicy { $0.failureRate = .init(percent: 25, minimumCalls: 8, window: .seconds(5)) })
        ),
    ]

    @Test("no limits leave the digest as it was, and each field of a limit counts")
    func digests() {
        let plain = Self.definition(nil).digest
        #expect(plain == "56699ac5778886874a7b796f1699d3b78cf317bad609e2169398d65ed46ba6d0")
        #expect(Self.definition([]).digest == plain)
        #expect(
            Self.definition(Self.every).digest == "a440d0884f9391893f8c1c4db09a5961576a000dc583cddb1035120be6908509"
        )
        func breaker(_ adjust: (inout BreakerPolicy) -> Void) -> [DeclaredLimit] {
            [DeclaredLimit("b", .breaker(BreakerPolicy(adjust)))]
        }
        let lists: [[DeclaredLimit]] = [
            Self.every, Self.every.dropLast(), [DeclaredLimit("db", .concurrency(11))],
            [DeclaredLimit("db", .concurrency(10))], [DeclaredLimit("dc", .concurrency(10))],
            [DeclaredLimit("db", .rate(10, per: .seconds(1)))], [DeclaredLimit("db", .rate(10, per: .seconds(2)))],
            [DeclaredLimit("db", .rate(11, per: .seconds(1)))], breaker { _ in },
            breaker { $0.consecutiveFailures = 6 },
            breaker { $0.consecutiveFailures = nil }, breaker { $0.openTime = .seconds(1) }, breaker { $0.probes = 2 },
            breaker { $0.closingSuccesses = 2 }, breaker { $0.failureRate = .init(percent: 1) },
            breaker { $0.failureRate = .init(percent: 1, minimumCalls: 2) },
            breaker { $0.failureRate = .init(percent: 1, window: .seconds(1)) },
        ]
        let digests = Set(lists.map { Self.definition($0).digest } + [plain, Self.definition(nil, Self.every).digest])
        #expect(digests.count == lists.count + 2)
    }

    @Test("they survive being stored as JSON; a definition that was stored before there were any can be read")
    func json() throws {
        let definition = Self.definition(Self.every)
        let stored = try JSONEncoder().encode(definition)
        #expect(try JSONDecoder().decode(Definition.self, from: stored) == definition)
        let old = try JSONEncoder().encode(Self.definition(nil))
        #expect(!String(decoding: old, as: UTF8.self).contains("limits"))
        #expect(try JSONDecoder().decode(Definition.self, from: old) == Self.definition(nil))
    }

    struct Flaw: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var first: [DeclaredLimit]
        var second: [DeclaredLimit] = []
    }

    @Test(
        "every flaw is told with its state and its remedy",
        arguments: [
            Flaw(testDescription: "0 at once", first: [DeclaredLimit("a", .concurrency(0))]),
            Flaw(testDescription: "0 in its time", first: [DeclaredLimit("a", .rate(0, per: .seconds(1)))]),
            Flaw(
                testDescription: "its time is zero",
                first: [DeclaredLimit("a", .rate(1, per: Span(milliseconds: 0)))]
            ),
            Flaw(
                testDescription: "lets 0 calls probe",
                first: [DeclaredLimit("a", .breaker(BreakerPolicy { $0.probes = 0 }))]
            ),
            Flaw(testDescription: "characters", first: [DeclaredLimit("", .concurrency(1))]),
            Flaw(testDescription: "characters", first: [DeclaredLimit("a\u{1}", .concurrency(1))]),
            Flaw(
                testDescription: "twice",
                first: [DeclaredLimit("a", .concurrency(1)), DeclaredLimit("a", .concurrency(2))]
            ),
            Flaw(
                testDescription: "differs from that of state 'one'",
                first: [DeclaredLimit("a", .concurrency(1))],
                second: [DeclaredLimit("a", .concurrency(2))]
            ),
            Flaw(
                testDescription: "17 limits",
                first: (0..<17).map { DeclaredLimit("n\($0)", .concurrency(1)) }
            ),
        ]
    )
    func flaws(flaw: Flaw) {
        let definition = Self.definition(flaw.first, flaw.second)
        let error = #expect(throws: CanoError.self) { try definition.validate() }
        #expect(error?.code == .invalidDefinition)
        #expect(error?.message.contains(flaw.testDescription) ?? false, "\(error?.message ?? "")")
        #expect(error?.message.contains("state '") ?? false)
    }

    @Test("limits of one name and two kinds are two limits; the same one may be declared by many states")
    func sound() throws {
        let both = [DeclaredLimit("a", .concurrency(1)), DeclaredLimit("a", .rate(1, per: .seconds(1)))]
        try Self.definition(both, both).validate()
    }
}
