// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

/// What went wrong with cursors elsewhere, reproduced; each test carries the id of the defect.
@Suite("Known defects of cursors")
struct CursorDefectTests {
    @Test(
        "L-CKPT-03: a state that is entered again begins without the cursor of its first visit, resumed or not",
        arguments: StoreOfTests.allCases
    )
    func revisit(kind: StoreOfTests) async throws {
        try await kind.withStore { open in
            let (ledger, gate) = (Ledger(), Gate())
            let first = try await open()
            // The process dies in the second visit, before that has a cursor of its own.
            let id = try await EmbeddedRunner.run(Rounds(ledger: ledger, gate: gate), on: first) { runner in
                let run = try await runner.start(Rounds.self, context: .init())
                await gate.reached()
                return run.id
            }
            await first.close()
            let second = try await open()
            try await EmbeddedRunner.run(Rounds(ledger: ledger), on: second) { runner in
                let result = try await runner.handle(id, of: Rounds.self).outcome()
                #expect(result.context.rounds == 2)
            }
            await second.close()
            #expect(
                ledger.all == [
                    "round 1 from 0", "round 1 from 1", "round 1 from 2",
                    "round 2 from 0", "round 2 from 0", "round 2 from 1", "round 2 from 2",
                ]
            )
        }
    }
}

/// Counts to two in each of two rounds, with a cursor between the steps.
private struct Rounds: Workflow {
    static let name = "rounds"
    static let version = 1
    enum State: String, WorkflowState { case count, again, done }
    struct Context: Codable, Sendable { var rounds = 0 }
    let ledger: Ledger
    /// Where the first step of the second round waits.
    var gate: Gate?

    func step(in state: State) -> Step<Self> {
        switch state {
        case .count: .stepped(Count(ledger: self.ledger, gate: self.gate), retry: Trip.quick, to: .again)
        case .again: .router(to: .count, .done) { $0.rounds < 2 ? .count : .done }
        case .done: .exit
        }
    }

    struct Count: SteppedTask {
        let ledger: Ledger
        let gate: Gate?

        func step(
            _ context: inout Context,
            after cursor: Int?,
            _ task: TaskContext
        ) async throws -> StepAnswer<Int, Void> {
            let number = cursor ?? 0
            self.ledger.add("round \(context.rounds + 1) from \(number)")
            if context.rounds == 1, number == 0 { try await self.gate?.pass() }
            if number < 2 { return .more(number + 1) }
            context.rounds += 1
            return .done
        }
    }
}
