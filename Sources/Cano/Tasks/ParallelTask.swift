// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What came out of the tasks of a parallel step, in their order and with their types.
public struct ParallelResults<each Output: Sendable>: Sendable {
    /// The results: `let (price, stock) = results.values`.
    public let values: (repeat BranchResult<each Output>)

    init(_ result: repeat BranchResult<each Output>) {
        self.values = (repeat each result)
    }
}

/// One of several different tasks that run beside each other: the context in, an output out.
///
/// It cannot change the context; the merging of the step does that, with the outputs of all.
public protocol ParallelTask: NamedTask {
    /// The workflow's context.
    associatedtype Context
    /// What it returns; tasks with nothing to tell return a `Bool`.
    associatedtype Output: Codable & Sendable

    /// Does the work.
    func run(_ context: Context, _ task: TaskContext) async throws -> Output
}
