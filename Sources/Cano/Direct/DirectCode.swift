// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// The code half of a step with its types kept, for runs without a store: no bytes, no names, no look-ups.
enum DirectCode<W: Workflow>: Sendable {
    /// The state's own code.
    typealias Work = @Sendable (inout W.Context, JoinedBranches?, TaskContext) async throws -> DirectEnd
    /// The branches of a split, from the context to the results.
    typealias Split = @Sendable (W.Context, DirectSplitRun) async -> DirectSplitEnd

    /// There is none: the definition says it all.
    case none
    /// A task or a router.
    case work(Work)
    /// A split.
    case split(Split)
}

/// What came out of a task or a router.
struct DirectEnd: Sendable {
    /// The chosen state, by its place among the declared ones.
    var next = 0
    /// How it is undone; `nil` when there is nothing to undo.
    var undo: UndoCode.Bound?
}

/// The results of a split on their way to the task behind it, whatever their type.
///
/// Which type that is was compared when the workflow was taken in.
struct JoinedBranches: Sendable {
    private let results: any Sendable

    init<Output: Sendable>(_ results: [BranchResult<Output>]) {
        self.results = results
    }

    func results<Output: Sendable>(of type: Output.Type) -> [BranchResult<Output>] {
        guard let results = self.results as? [BranchResult<Output>] else {
            fatalError("a join has results of another type than \(Output.self)")
        }
        return results
    }
}

/// Something that was done and is undone should the run fail.
struct DirectUndo: Sendable {
    /// The state whose task did it.
    var state: Int
    /// The visit in which it was done.
    var visit: Int
    /// The work that did it.
    var path: WorkPath
    /// How it is undone.
    var code: UndoCode.Bound
}

/// A task chose a state that its step does not declare.
struct UndeclaredState: Error {
    let name: String
}

extension DirectCode {
    /// How the output of a task chooses among the declared states; `nil` when it does not.
    static func choice<Output>(
        of output: Output.Type,
        among next: [W.State]
    ) -> (@Sendable (Output) throws -> Int)? {
        guard Output.self == W.State.self else { return nil }
        return { output in
            guard let state = output as? W.State else { return 0 }
            return try Self.place(of: state, among: next)
        }
    }

    /// The place of a chosen state among the declared ones.
    static func place(of state: W.State, among next: [W.State]) throws -> Int {
        for place in next.indices where next[place] == state { return place }
        throw UndeclaredState(name: state.rawValue)
    }
}
