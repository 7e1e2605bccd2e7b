// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Foundation
import Testing

@Suite("Definition digest")
struct DefinitionDigestTests {
    /// Every kind of step and every optional field.
    static let sample = Definition(
        name: "sample",
        version: 3,
        start: "first",
        states: [
            StateDefinition(name: "first", step: .task(run: full, to: ["route", "end"])),
            StateDefinition(name: "route", step: .router(run: plain, to: ["split", "end"])),
            StateDefinition(
                name: "split",
                step: .split(
                    SplitDefinition(
                        expand: plain,
                        branch: full,
                        join: JoinPolicy(.quorumPercent(80), within: .seconds(60))
                    ),
                    to: "pause"
                )
            ),
            StateDefinition(name: "pause", step: .timer(after: .seconds(5), to: "end")),
            StateDefinition(name: "end", step: .exit(.success)),
        ],
        context: .json(#"{"folder":"/tmp"}"#),
        timeout: .seconds(3600)
    )
    static let plain = TaskDefinition(handler: "swift", name: "Plain")
    static let full = TaskDefinition(
        handler: "exec",
        name: "Full",
        arguments: .json("[1]"),
        retry: RetryPolicy { $0.maximumAttempts = 7 },
        timeout: .seconds(9),
        undo: UndoDefinition(arguments: .json("[2]"), retry: .never, timeout: .seconds(8), coversUnknown: false)
    )

    @Test("digests never change")
    func golden() {
        let small = Definition(
            name: "small",
            version: 1,
            start: "end",
            states: [StateDefinition(name: "end", step: .exit(.failure))]
        )
        #expect(small.digest == "9c0d23c674ebf4621b3ff075269d836c404d22c22cf2013e6cfe7c4b67aedf7f")
        #expect(Self.sample.digest == "b744de5859a03e1b6db4803a6a83b5aee340cef4b92d56ec31ce9dda6cf804c7")
    }

    @Test("the order in which states are written does not count")
    func order() {
        var turned = Self.sample
        turned.states.reverse()
        #expect(turned.digest == Self.sample.digest)
    }

    @Test("a definition that was stored as JSON keeps its digest")
    func json() throws {
        let stored = try JSONEncoder().encode(Self.sample)
        #expect(try JSONDecoder().decode(Definition.self, from: stored).digest == Self.sample.digest)
    }

    typealias Change = @Sendable (inout Definition) -> Void

    static func step(_ index: Int, _ change: @escaping @Sendable (inout StepDefinition) -> Void) -> Change {
        { change(&$0.states[index].step) }
    }

    static func task(_ change: @escaping @Sendable (inout TaskDefinition) -> Void) -> Change {
        Self.step(0) { step in
            guard case .task(var task, let next) = step else { return }
            change(&task)
            step = .task(run: task, to: next)
        }
    }

    static func split(_ change: @escaping @Sendable (inout SplitDefinition) -> Void) -> Change {
        Self.step(2) { step in
            guard case .split(var split, let next) = step else { return }
            change(&split)
            step = .split(split, to: next)
        }
    }

    static func work(_ name: String) -> TaskDefinition { TaskDefinition(handler: "exec", name: name) }

    static let changes: [Change] = [
        { $0.name = "samples" }, { $0.version = 4 }, { $0.start = "route" }, { $0.context = nil },
        { $0.context = .json("{}") }, { $0.timeout = nil }, { $0.timeout = .seconds(1) },
        { $0.states[0].name = "one" }, { $0.states.removeLast() },
        task { $0.handler = "http" }, task { $0.name = "Other" }, task { $0.arguments = nil },
        task { $0.arguments = Payload(bytes: Array("[1]".utf8), type: .text) },
        task { $0.retry.maximumAttempts = 8 }, task { $0.retry.initialDelay = .seconds(1) },
        task { $0.retry.multiplier = 3 }, task { $0.retry.maximumDelay = .seconds(1) }, task { $0.retry.jitter = 0 },
        task { $0.timeout = nil }, task { $0.undo = nil }, task { $0.undo?.arguments = nil },
        task { $0.undo?.retry = RetryPolicy() }, task { $0.undo?.timeout = nil },
        task { $0.undo?.coversUnknown = true },
        task { $0.repetition = Repetition(.poll) }, task { $0.repetition = Repetition(.stepped) },
        task { $0.repetition = Repetition(.timer) }, task { $0.repetition = Repetition(.stream) },
        task { $0.repetition = Repetition(.poll, pause: .seconds(1)) },
        task { $0.repetition = Repetition(.poll, errorBudget: 1) }, task { $0.within = .seconds(1) },
        task { $0.startWithin = .seconds(1) }, task { $0.heartbeat = .seconds(1) }, task { $0.hedge = .seconds(1) },
        task { $0.isLocal = true }, task { $0.retry.maximumElapsed = .seconds(1) },
        task { $0.retry.overrides = ["a": .never] }, task { $0.retry.overrides = ["b": .never] },
        split { $0.work = .each(expand: work("Other"), branch: $0.branch ?? work("branch")) },
        split { $0.work = .each(expand: $0.expand ?? work("expand"), branch: work("Other")) },
        split { $0.work = .fixed([work("a")]) }, split { $0.work = .fixed([work("a"), work("b")]) },
        split { $0.work = .fixed([work("b"), work("a")]) }, split { $0.inFlight = 2 },
        split { $0.gather = work("gather") }, split { ($0.gather, $0.choices) = (work("gather"), ["end"]) },
        split { $0.join.within = nil },
        split { $0.join.rule = .all }, split { $0.join.rule = .any }, split { $0.join.rule = .quorum(count: 80) },
        split { $0.join.rule = .quorumPercent(81) }, split { $0.join.rule = .partial(atLeast: 80) },
        split { $0.losers = .keep },
        step(0) { if case .task(let task, _) = $0 { $0 = .task(run: task, to: ["end", "route"]) } },
        step(0) { if case .task(let task, let next) = $0 { $0 = .router(run: task, to: next) } },
        step(2) { if case .split(let split, _) = $0 { $0 = .split(split, to: "end") } },
        step(3) { $0 = .timer(after: .seconds(6), to: "end") },
        step(3) { $0 = .timer(after: .seconds(5), to: "first") },
        step(4) { $0 = .exit(.failure) },
    ]

    @Test("every field counts")
    func fields() {
        var digests: Set<String> = [Self.sample.digest]
        for (index, change) in Self.changes.enumerated() {
            var changed = Self.sample
            change(&changed)
            #expect(changed != Self.sample, "change \(index) changes nothing")
            #expect(digests.insert(changed.digest).inserted, "change \(index) keeps the digest")
        }
    }
}
