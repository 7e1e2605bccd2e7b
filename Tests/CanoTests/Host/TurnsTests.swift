// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@testable import Cano

@Suite("Turns", .timeLimit(.minutes(1)))
struct TurnsTests {
    private static func grant(_ number: Int) -> LeaseGrant {
        let run = RunID(at: Instant(microseconds: 0), shard: ShardID(rawValue: 0), random: (1, 1))
        let lease = LeaseRef(
            key: WorkKey(run: run, visit: number, path: .step),
            attempt: 1,
            token: Token(epoch: Epoch(rawValue: 1), counter: Int64(number))
        )
        return LeaseGrant(
            lease: lease,
            definition: DefinitionKey(name: "turns", version: 1),
            digest: "",
            state: "a",
            handler: "work",
            arguments: nil,
            next: [],
            timeout: nil,
            input: .task(context: .emptyObject, branches: nil)
        )
    }

    /// Loops that hand every piece of work to `perform`, until the body returns.
    private static func withLoops(
        _ count: Int,
        _ turns: Turns,
        perform: @escaping @Sendable (Int) async -> Void,
        _ body: () async throws -> Void
    ) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for _ in 0..<count {
                group.addTask {
                    var breather = Breather()
                    turns.arrive(.worker)
                    while let turn = await turns.next(.worker, &breather) {
                        guard case .perform(let grant) = turn else { continue }
                        await perform(grant.lease.key.visit)
                        turns.arrive(.worker)
                    }
                }
            }
            try await body()
            group.cancelAll()
        }
    }

    @Test("every piece is done exactly once, however many post and however many loops there are")
    func everyPieceOnce() async throws {
        let turns = Turns()
        let done = Guarded([Int: Int]())
        try await Self.withLoops(3, turns, perform: { number in done.withLock { $0[number, default: 0] += 1 } }) {
            await withDiscardingTaskGroup { group in
                for poster in 0..<4 {
                    group.addTask {
                        for number in 0..<2500 {
                            turns.order([Self.grant(poster * 2500 + number)])
                            if number % 100 == 0 { await Task.yield() }
                        }
                    }
                }
            }
            while done.withLock({ $0.count }) < 10_000 { try await Task.sleep(for: .milliseconds(2)) }
        }
        #expect(done.withLock { $0.values.allSatisfy { $0 == 1 } })
    }

    @Test("a loop that is away with its work keeps nothing from the others")
    func nothingWaitsForABusyLoop() async throws {
        let turns = Turns()
        let begun = Guarded<Set<Int>>([])
        let gate = Mailbox<Void>()
        try await Self.withLoops(
            3,
            turns,
            perform: { number in
                begun.withLock { _ = $0.insert(number) }
                _ = await gate.next(atMost: 1)
            }
        ) {
            // One at a time, so that each must wake a loop of its own; the last two come together.
            turns.order([Self.grant(1)])
            while begun.withLock({ $0.count }) < 1 { try await Task.sleep(for: .milliseconds(1)) }
            turns.order([Self.grant(2), Self.grant(3)])
            while begun.withLock({ $0.count }) < 3 { try await Task.sleep(for: .milliseconds(1)) }
            // All are away: what comes now is done by the first that comes back.
            turns.order([Self.grant(4)])
            gate.post(())
            while begun.withLock({ $0.count }) < 4 { try await Task.sleep(for: .milliseconds(1)) }
            gate.close()
        }
    }

    /// A shard that is never really driven.
    private static func shell(of host: EngineHost) -> ShardShell {
        ShardShell(shard: ShardID(rawValue: 0), epoch: Epoch(rawValue: 1), host: host)
    }

    @Test("a worker begins what work there is before a ready shard has its turn, but not without end")
    func patience() async throws {
        let turns = Turns()
        let host = try await HostFixture().host
        let shell = Self.shell(of: host)
        defer { withExtendedLifetime(host) {} }
        turns.order((0..<100).map(Self.grant))
        turns.ready(shell)
        var (breather, begun) = (Breather(), 0)
        for _ in 0..<2 {
            turns.arrive(.worker)
            while case .perform = await turns.next(.worker, &breather) {
                begun += 1
                turns.arrive(.worker)
            }
            turns.ready(shell)
        }
        #expect(begun == 64)
        // A driver has nothing else to do.
        turns.arrive(.driver)
        guard case .drive = await turns.next(.driver, &breather) else {
            Issue.record("the driver did not get the shard")
            return
        }
        // With little work it is soon the shard's turn.
        turns.ready(shell)
        turns.arrive(.worker)
        begun = 0
        while case .perform = await turns.next(.worker, &breather) {
            begun += 1
            turns.arrive(.worker)
            if begun == 36 { break }
        }
        #expect(begun == 32)
    }

    @Test("a shard is driven by somebody else when every worker is away with its work")
    func driverForABusyWorker() async throws {
        let turns = Turns()
        let host = try await HostFixture().host
        let shell = Self.shell(of: host)
        defer { withExtendedLifetime(host) {} }
        let driven = Guarded(0)
        let gate = Mailbox<Void>()
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask {
                var breather = Breather()
                turns.arrive(.driver)
                while let turn = await turns.next(.driver, &breather) {
                    if case .drive = turn { driven.withLock { $0 += 1 } }
                }
            }
            let begun = Guarded(0)
            let perform: @Sendable (Int) async -> Void = { _ in
                begun.withLock { $0 += 1 }
                _ = await gate.next(atMost: 1)
            }
            try await Self.withLoops(1, turns, perform: perform) {
                // More work than one loop can do, and it is away with the first piece.
                turns.order((0..<10).map(Self.grant))
                while begun.withLock({ $0 }) == 0 { try await Task.sleep(for: .milliseconds(1)) }
                for count in 1...5 {
                    turns.ready(shell)
                    while driven.withLock({ $0 }) < count { try await Task.sleep(for: .milliseconds(1)) }
                    // Time for the driver to fall asleep again.
                    try await Task.sleep(for: .milliseconds(5))
                }
                gate.close()
            }
            turns.close()
        }
    }
}
