// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// A workflow whose first two steps are what a test wants; behind them a router ends the run well or badly.
struct Tale: Workflow {
    static let name = "tale"
    static let version = 1
    enum State: String, WorkflowState { case first, second, judge, failed, done }
    struct Context: Codable, Sendable, Equatable {
        var endsBadly = false
        var notes: [String] = []
    }

    let first: Step<Self>
    let second: Step<Self>

    func step(in state: State) -> Step<Self> {
        switch state {
        case .first: self.first
        case .second: self.second
        case .judge: .router(to: .done, .failed) { $0.endsBadly ? .failed : .done }
        case .failed: .exit(.failure)
        case .done: .exit
        }
    }
}

extension Tale {
    /// Adds a note, and whatever else the test wants.
    struct Note: ContextTask {
        var note = "note"
        let ledger: Ledger
        var also: @Sendable (inout Context, TaskContext) async throws -> Void = { _, _ in }

        func run(_ context: inout Context, _ task: TaskContext) async throws {
            context.notes.append("\(self.note) \(task.visit).\(task.attempt)")
            try await self.also(&context, task)
            self.ledger.add(self.note)
        }
    }

    /// The same with an undo.
    struct Deed: ContextTask, Compensatable {
        var deed = "deed"
        let ledger: Ledger
        var policy = UndoPolicy { $0.retry = Tale.quick }
        var also: @Sendable (inout Context, TaskContext) async throws -> Void = { _, _ in }
        var undoing: @Sendable (TaskContext) async throws -> Void = { _ in }
        var undoPolicy: UndoPolicy { self.policy }

        func run(_ context: inout Context, _ task: TaskContext) async throws -> String {
            context.notes.append("\(self.deed) \(task.visit).\(task.attempt)")
            try await self.also(&context, task)
            self.ledger.add(self.deed)
            return "\(self.deed) of \(task.state)"
        }

        func undo(_ output: String?, _ task: TaskContext) async throws {
            try await self.undoing(task)
            let key = task.idempotencyKey.split(separator: "/").dropFirst().joined(separator: "/")
            self.ledger.add("undo \(output ?? "unknown") (\(task.state) \(key))")
        }
    }

    /// Chooses a state.
    struct Choice: ContextTask {
        let state: State
        func run(_ context: inout Context, _ task: TaskContext) async throws -> State { self.state }
    }

    /// A branch that does what the test wants with its number.
    struct Twig: BranchTask {
        var does: @Sendable (Int, TaskContext) async throws -> Int = { item, _ in item * item }
        func run(_ item: Int, _ task: TaskContext) async throws -> Int { try await self.does(item, task) }
    }

    /// The same with an undo.
    struct Bough: BranchTask, Compensatable {
        let ledger: Ledger
        var does: @Sendable (Int, TaskContext) async throws -> Int = { item, _ in item * item }

        func run(_ item: Int, _ task: TaskContext) async throws -> Int { try await self.does(item, task) }
        func undo(_ output: Int?, _ task: TaskContext) async throws {
            self.ledger.add("undo branch \(output.map(String.init) ?? "unknown")")
        }
    }

    /// Notes how the branches ended.
    struct Gather: JoinTask {
        func run(_ context: inout Context, _ results: [BranchResult<Int>], _ task: TaskContext) async throws {
            for result in results {
                switch result {
                case .success(let output): context.notes.append("\(output)")
                case .failure(let failure): context.notes.append("\(failure.code): \(failure.message)")
                case .cancelled: context.notes.append("cancelled")
                }
            }
        }
    }

    /// Makes so many items, or fails.
    struct Items: ExpandTask {
        let count: Int
        func run(_ context: Context, _ task: TaskContext) async throws -> [Int] {
            guard self.count >= 0 else { throw TaskFailure.permanent("no items") }
            return Array(0..<self.count)
        }
    }

    /// Three attempts with hardly a pause.
    static var quick: RetryPolicy { .fixed(attempts: 3, every: .milliseconds(1)) }
}
