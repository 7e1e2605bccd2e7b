// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine
public import Logging

/// What the branches of a split need to know about their run.
@usableFromInline
struct DirectSplitRun: Sendable {
    @usableFromInline let split: DirectSplit
    @usableFromInline let run: RunID
    @usableFromInline let visit: Int
    @usableFromInline let logger: Logger
    @usableFromInline let seed: UInt64
    /// The items, when the split was interrupted before: its branches are the same then.
    @usableFromInline let items: (any Sendable)?

    @inlinable
    func task(_ path: WorkPath, _ attempt: Int, due: Duration?) -> TaskContext {
        TaskContext(
            run: self.run,
            state: self.split.name,
            visit: self.visit,
            attempt: attempt,
            work: .does(path),
            due: due,
            logger: self.logger
        )
    }

    /// Makes the items, then runs the branches until the join is decided and nothing is awaited any more.
    @inlinable
    func run<Item: Sendable, Output: Sendable>(
        items: @escaping @Sendable (TaskContext) async throws -> [Item],
        undo: UndoCode?,
        branch: @escaping DirectBranches<Item, Output>.Branch
    ) async -> DirectSplitEnd {
        switch await self.make(items) {
        case .done(let items):
            return await DirectBranches(self, items, undo.map { DirectBranchUndos($0) }, branch).run()
        case .failed(let failure): return DirectSplitEnd(result: .failed(failure))
        case .stopped: return DirectSplitEnd(result: .stopped)
        }
    }

    /// Runs branches that are fixed, each with the context.
    @usableFromInline
    func run<Context: Sendable>(_ context: Context, _ branches: [DirectFixedBranch<Context>]) async -> DirectSplitEnd {
        let undos = DirectBranchUndos(branches.map(\.undo))
        return await DirectBranches<Int, FixedOutput>(self, Array(branches.indices), undos) { index, task in
            try await branches[index].run(context, task)
        }
        .run()
    }

    @inlinable
    func make<Item: Sendable>(
        _ items: @escaping @Sendable (TaskContext) async throws -> [Item]
    ) async -> DirectAttempts.End<[Item]> {
        if let items = self.items as? [Item] { return .done(items) }
        var first: (any Error)?
        if self.split.isExpandPlain {
            do {
                let items = try await items(self.task(.expand, 1, due: nil))
                try self.split.check(items.count)
                return .done(items)
            } catch { first = error }
        }
        return await self.tryAgain(items, after: first)
    }

    @usableFromInline
    func tryAgain<Item: Sendable>(
        _ items: @escaping @Sendable (TaskContext) async throws -> [Item],
        after first: (any Error)?
    ) async -> DirectAttempts.End<[Item]> {
        guard let expand = self.split.expand else { fatalError("split '\(self.split.name)' makes no items") }
        var attempts = self.split.attempts(at: expand, seed: self.seed)
        return await attempts.run(after: first) { attempt, due in
            let items = try await items(self.task(.expand, attempt, due: due))
            try self.split.check(items.count)
            return items
        }
    }
}

/// How a split ended.
@usableFromInline
struct DirectSplitEnd: Sendable {
    @usableFromInline
    enum Result: Sendable {
        /// The join is satisfied.
        case joined(JoinedBranches)
        /// It failed, or the items could not be made.
        case failed(Failure)
        /// The run's task was cancelled.
        case stopped
    }

    @usableFromInline var result: Result
    /// What branches did that can be undone, in the order in which they ended.
    @usableFromInline var undos: [DirectUndo]
    /// The items of a split that was stopped.
    var items: (any Sendable)?

    @usableFromInline
    init(result: Result, undos: [DirectUndo] = [], items: (any Sendable)? = nil) {
        self.result = result
        self.undos = undos
        self.items = items
    }
}
