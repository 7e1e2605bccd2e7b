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

    @Test("the ends of the last runs are remembered, and it shows when one was forgotten")
    func ends() {
        let waiters = FinishWaiters()
        let finish = Record.Finish(state: "done", visit: 2, context: .json(String(repeating: "x", count: 600_000)))
        let end = RunEnd(outcome: .succeeded, finish: finish)
        let runs = (0..<3).map { RunID(high: 1, low: UInt64($0)) }
        waiters.finished(runs[0], end)
        let gaps = waiters.gaps
        #expect(waiters.end(of: runs[0])?.outcome == .succeeded)
        // Two such contexts are more than is kept.
        waiters.finished(runs[1], end)
        #expect(waiters.end(of: runs[0]) == nil && waiters.end(of: runs[1]) != nil)
        #expect(waiters.gaps > gaps)
        // Another owner may have ended runs unheard.
        let before = waiters.gaps
        waiters.ringAll()
        #expect(waiters.gaps > before)
    }
}
