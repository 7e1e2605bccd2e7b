// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

extension Tale {
    /// Asks, and answers as the test wants; an error is one of the question.
    struct Question: PollTask {
        let ledger: Ledger
        var answer: @Sendable (TaskContext) async throws -> PollAnswer<Void>

        func poll(_ context: inout Context, _ task: TaskContext) async throws -> PollAnswer<Void> {
            context.notes.append("asked \(task.visit).\(task.attempt)")
            self.ledger.add("question")
            return try await self.answer(task)
        }
    }

    /// The same, with an undo of the answer.
    struct Reservation: PollTask, Compensatable {
        let ledger: Ledger
        var answer: @Sendable (TaskContext) async throws -> PollAnswer<String>

        func poll(_ context: inout Context, _ task: TaskContext) async throws -> PollAnswer<String> {
            try await self.answer(task)
        }

        func undo(_ output: String?, _ task: TaskContext) async throws {
            self.ledger.add("undo \(output ?? "unknown") (\(task.state) \(task.visit))")
        }
    }

    /// Asks once and chooses a state.
    struct Verdict: PollTask {
        let state: State
        func poll(_ context: inout Context, _ task: TaskContext) async throws -> PollAnswer<State> {
            .ready(self.state)
        }
    }

    /// So many steps; each may do something else first.
    struct March: SteppedTask {
        let ledger: Ledger
        var steps = 3
        var also: @Sendable (Int, TaskContext) async throws -> Void = { _, _ in }

        func step(
            _ context: inout Context,
            after cursor: Int?,
            _ task: TaskContext
        ) async throws -> StepAnswer<Int, Void> {
            let step = (cursor ?? 0) + 1
            try await self.also(step, task)
            context.notes.append("step \(step) \(task.visit).\(task.attempt)")
            self.ledger.add("step \(step)")
            return step < self.steps ? .more(step) : .done
        }
    }

    /// The same with an undo of the whole, and a choice.
    struct Expedition: SteppedTask, Compensatable {
        let ledger: Ledger

        func step(
            _ context: inout Context,
            after cursor: String?,
            _ task: TaskContext
        ) async throws -> StepAnswer<String, State> {
            let way = (cursor ?? "") + "."
            return way.count < 4 ? .more(way) : .done(.judge)
        }

        func undo(_ output: State?, _ task: TaskContext) async throws {
            self.ledger.add("undo the way to \(output?.rawValue ?? "unknown")")
        }
    }

    /// Loads so many numbers, squares them, and notes what came of it.
    struct Batch: BatchTask {
        var count = 4
        var does: @Sendable (Int, TaskContext) async throws -> Int = { item, _ in item * item }
        var also: @Sendable (TaskContext) async throws -> Void = { _ in }

        func load(_ context: Context, _ task: TaskContext) async throws -> [Int] {
            guard self.count >= 0 else { throw TaskFailure.permanent("nothing to load") }
            return Array(0..<self.count)
        }

        func process(_ item: Int, _ task: TaskContext) async throws -> Int { try await self.does(item, task) }

        func finish(_ context: inout Context, _ results: [BranchResult<Int>], _ task: TaskContext) async throws {
            context.notes.append("finish \(task.visit).\(task.attempt)")
            try await Gather().run(&context, results, task)
            try await self.also(task)
        }
    }

    /// The same, undone as a whole; it chooses a state.
    struct Shipment: BatchTask, Compensatable {
        let ledger: Ledger

        func load(_ context: Context, _ task: TaskContext) async throws -> [String] { ["a", "b"] }
        func process(_ item: String, _ task: TaskContext) async throws -> String { item + item }
        func finish(
            _ context: inout Context,
            _ results: [BranchResult<String>],
            _ task: TaskContext
        ) async throws -> State {
            context.notes += results.map { $0.value ?? "none" }
            return .judge
        }

        func undo(_ output: State?, _ task: TaskContext) async throws {
            self.ledger.add("undo the shipment (\(output?.rawValue ?? "unknown"), \(task.visit))")
        }
    }

    /// One of several different branches: a number.
    struct Count: ParallelTask {
        var does: @Sendable (TaskContext) async throws -> Int = { _ in 42 }
        func run(_ context: Context, _ task: TaskContext) async throws -> Int { try await self.does(task) }
    }

    /// One of several different branches: a word, with an undo.
    struct Say: ParallelTask, Compensatable {
        let ledger: Ledger
        var does: @Sendable (TaskContext) async throws -> String = { _ in "word" }

        func run(_ context: Context, _ task: TaskContext) async throws -> String { try await self.does(task) }
        func undo(_ output: String?, _ task: TaskContext) async throws {
            self.ledger.add("unsay \(output ?? "unknown") (\(task.visit))")
        }
    }
}
