// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
internal import Logging

/// What the branches of a split need to know about their run.
@usableFromInline
struct DirectSplitRun: Sendable {
    let run: RunID
    let state: Int
    let name: String
    let visit: Int
    let definition: SplitDefinition
    let seed: UInt64
    let failures: WorkFailures
    let logger: Logger

    func task(_ path: WorkPath, _ attempt: Int, _ deadline: ContinuousClock.Instant?) -> TaskContext {
        TaskContext(
            run: self.run,
            state: self.name,
            visit: self.visit,
            attempt: attempt,
            work: .does(path),
            deadline: deadline,
            logger: self.logger
        )
    }

    /// What each branch does.
    var branch: TaskDefinition {
        guard let branch = self.definition.branch else { fatalError("'\(self.name)' has different branches") }
        return branch
    }

    func attempts(at task: TaskDefinition, seed: UInt64) -> DirectAttempts {
        DirectAttempts(
            retry: task.retry,
            timeout: task.timeout,
            isUndoable: task.undo != nil,
            failures: self.failures,
            seed: seed
        )
    }

    func undo(_ branch: Int, _ code: @escaping UndoCode.Bound) -> DirectUndo {
        DirectUndo(state: self.state, visit: self.visit, path: .branch(branch), code: code)
    }

    /// Makes the items, then runs the branches until the join is decided and nothing is awaited any more.
    func run<Item: Sendable, Output: Sendable>(
        items: @escaping @Sendable (TaskContext) async throws -> [Item],
        undo: UndoCode?,
        branch: @escaping DirectBranches<Item, Output>.Branch
    ) async -> DirectSplitEnd {
        guard let expand = self.definition.expand else { fatalError("'\(self.name)' makes no items") }
        var attempts = self.attempts(at: expand, seed: self.seed)
        let made = await attempts.run { attempt, deadline in
            let items = try await items(self.task(.expand, attempt, deadline))
            if let failure = self.failures.tooMany(items.count, of: self.name) {
                throw RefusedOutcome(failure: failure)
            }
            return items
        }
        switch made {
        case .done(let items): return await DirectBranches(self, items, undo, branch).run()
        case .failed(let failure): return DirectSplitEnd(result: .failed(failure))
        case .stopped: return DirectSplitEnd(result: .stopped)
        }
    }
}

/// How a split ended.
@usableFromInline
struct DirectSplitEnd: Sendable {
    enum Result: Sendable {
        /// The join is satisfied.
        case joined(JoinedBranches)
        /// It failed, or the items could not be made.
        case failed(Failure)
        /// The run's task was cancelled.
        case stopped
    }

    var result: Result
    /// What branches did that can be undone, in the order in which they ended.
    var undos: [DirectUndo] = []
}
