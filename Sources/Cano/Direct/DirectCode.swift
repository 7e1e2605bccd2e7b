// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// The code half of a step with its types kept, for runs without a store: no bytes, no names, no look-ups.
@usableFromInline
enum DirectCode<W: Workflow>: Sendable {
    /// The state's own code.
    @usableFromInline typealias Work =
        @Sendable (inout W.Context, JoinedBranches?, TaskContext) async throws -> DirectEnd
    /// The branches of a split, from the context to the results.
    @usableFromInline typealias Split = @Sendable (W.Context, DirectSplitRun) async -> DirectSplitEnd
    /// Work that takes several attempts, from the context to the context behind it.
    @usableFromInline typealias Repeated = @Sendable (W.Context, DirectTurns) async -> DirectTurnsEnd<W.Context>

    /// There is none: the definition says it all.
    case none
    /// A task or a router.
    case work(Work)
    /// A split.
    case split(Split)
    /// A split, and the task of the same state that gets its results.
    case gathered(Split, Work)
    /// A poll, or work in steps.
    case repeated(Repeated)
}

/// What came out of a task or a router.
@usableFromInline
struct DirectEnd: Sendable {
    /// The chosen state, by its place among the declared ones.
    @usableFromInline var next: Int
    /// How it is undone; `nil` when there is nothing to undo.
    @usableFromInline var undo: BoundUndo?

    @inlinable
    init(next: Int, undo: BoundUndo? = nil) {
        self.next = next
        self.undo = undo
    }
}

/// The results of a split on their way to the task behind it, whatever their type.
///
/// Which type that is was compared when the workflow was taken in.
@usableFromInline
struct JoinedBranches: Sendable {
    private let results: any Sendable

    @usableFromInline
    init<Output: Sendable>(_ results: [BranchResult<Output>]) {
        self.results = results
    }

    @usableFromInline
    func results<Output: Sendable>(of type: Output.Type) -> [BranchResult<Output>] {
        guard let results = self.results as? [BranchResult<Output>] else {
            fatalError("a join has results of another type than \(Output.self)")
        }
        return results
    }
}

/// A task chose a state that its step does not declare.
@usableFromInline
struct UndeclaredState: Error {
    let name: String

    @usableFromInline
    init(name: String) {
        self.name = name
    }
}

extension DirectCode {
    /// The code of a task.
    @inlinable
    static func task<T: ContextTask>(_ task: T, _ next: [W.State], _ undo: UndoCode?) -> Self
    where T.Context == W.Context {
        let undoing = undo?.binding(of: T.Output.self)
        return .work { value, _, context in
            try Self.end(of: try await task.run(&value, context), next, undoing)
        }
    }

    /// The code of a task behind a join.
    @inlinable
    static func task<T: JoinTask>(_ task: T, _ next: [W.State], _ undo: UndoCode?) -> Self
    where T.Context == W.Context {
        let undoing = undo?.binding(of: T.Output.self)
        return .work { value, joined, context in
            let results = joined?.results(of: T.BranchOutput.self) ?? []
            return try Self.end(of: try await task.run(&value, results, context), next, undoing)
        }
    }

    /// The code of a router.
    @inlinable
    static func router(
        _ next: [W.State],
        _ decide: @escaping @Sendable (W.Context, TaskContext) async throws -> W.State
    ) -> Self {
        .work { value, _, context in
            DirectEnd(next: try Self.place(ofState: try await decide(value, context), among: next))
        }
    }

    /// The code of a split.
    @inlinable
    static func split<B: BranchTask>(
        _ items: @escaping @Sendable (W.Context, TaskContext) async throws -> [B.Item],
        _ undo: UndoCode?,
        _ branch: B
    ) -> Self {
        .split { context, split in
            await split.run(
                items: { try await items(context, $0) },
                undo: undo,
                branch: { try await branch.run($0, $1) }
            )
        }
    }

    /// What an output means.
    @inlinable
    static func end<Output>(
        of output: Output,
        _ next: [W.State],
        _ undoing: UndoCode.Binding<Output>?
    ) throws -> DirectEnd {
        DirectEnd(next: try Self.place(of: output, among: next), undo: undoing?(output))
    }

    /// The place of the state that an output chooses among the declared ones; the first when it chooses none.
    @inlinable
    static func place<Output>(of output: Output, among next: [W.State]) throws -> Int {
        guard Output.self == W.State.self, let state = output as? W.State else { return 0 }
        return try Self.place(ofState: state, among: next)
    }

    /// The place of a chosen state among the declared ones.
    @inlinable
    static func place(ofState state: W.State, among next: [W.State]) throws -> Int {
        for place in next.indices where next[place] == state { return place }
        throw UndeclaredState(name: state.rawValue)
    }
}
