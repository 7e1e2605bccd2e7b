// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import FoundationEssentials
import Testing

@Suite("Poll, stepped and timed steps")
struct RepetitionTests {
    private static func memory() -> any RunStore { MemoryStore(clock: { TestClock.now() }) }

    private static func outcome(_ workflow: Parcel, _ context: Parcel.Context) async throws -> Parcel.Context {
        try await EmbeddedRunner.run(workflow, on: Self.memory()) { runner in
            try await runner.start(Parcel.self, context: context).outcome().context
        }
    }

    @Test("a poll asks until it is ready, and only the last answer changes the context")
    func poll() async throws {
        let workflow = Parcel()
        let context = try await Self.outcome(workflow, .init(arrivesAfter: 4))
        #expect(context.arrived == 1)
        #expect(workflow.asked.all == ["1", "2", "3", "4"])
    }

    @Test("errors within the budget are only questions asked again")
    func pollErrors() async throws {
        let workflow = Parcel(errors: .consecutive(2))
        #expect(try await Self.outcome(workflow, .init(arrivesAfter: 4, fails: 2)).arrived == 1)
        let error = await #expect(throws: CanoError.self) {
            _ = try await Self.outcome(Parcel(errors: .total(1)), .init(arrivesAfter: 4, fails: 2))
        }
        #expect(error?.message.contains("no line") ?? false)
    }

    @Test("a poll that is never ready fails when its time is up")
    func pollDeadline() async throws {
        let error = await #expect(throws: CanoError.self) {
            _ = try await Self.outcome(Parcel(within: .milliseconds(30)), .init(arrivesAfter: 1_000_000))
        }
        #expect(error?.message.contains("deadline") ?? false)
    }

    @Test("each step begins where the last one ended, and a second visit from the beginning")
    func stepped() async throws {
        let ledger = Ledger()
        let context = try await EmbeddedRunner.run(Import(ledger: ledger), on: Self.memory()) { runner in
            try await runner.start(Import.self, context: .init(rows: 4)).outcome().context
        }
        #expect(context.imported == [0, 1, 2, 3, 0, 1, 2, 3])
        #expect(ledger.all == ["rows 0", "rows 2", "rows 4", "again 0", "again 2", "again 4"])
    }

    @Test("a run waits until the date of its context, which is kept across processes")
    func waitUntil() async throws {
        let store = Self.memory()
        let id = try await EmbeddedRunner.run(Parcel(), on: store) { runner in
            let context = Parcel.Context(arrivesAfter: 1, restUntil: Date(timeIntervalSinceNow: 3_600))
            let run = try await runner.start(Parcel.self, context: context)
            while try await run.status() != .waiting { try await Task.sleep(for: .milliseconds(2)) }
            return run.id
        }
        let rows = try await store.history(of: id, after: 0, limit: 10)
        let due = try #require(rows.last { $0.kind == .stepCursor }?.due)
        let summary = try #require(try await store.summary(of: id))
        #expect(summary.wakeAt == due)
        #expect(due > TestClock.now().advanced(by: .seconds(3_500)))
    }

    @Test("shapes are data: kind, pause, budget and deadline are in the definition")
    func definition() throws {
        let workflow = Parcel(pause: .seconds(5), within: .seconds(60), errors: .total(3))
        guard case .task(let task, let next) = workflow.definition().states[0].step else {
            return #expect(Bool(false), "a poll is a task")
        }
        #expect(task.repetition == Repetition(.poll, pause: .seconds(5), errorBudget: 3))
        #expect(task.within == .seconds(60))
        #expect(task.retry == .fixed(attempts: 4, every: .seconds(5)))
        #expect(next == ["rest"])
    }
}
