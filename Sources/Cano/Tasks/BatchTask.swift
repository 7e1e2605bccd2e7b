// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A task that loads a list, processes each element, and finishes with the results in the order of the list.
///
/// Elements are processed beside each other, on all workers, each with its retries; whatever is done stays done across
/// crashes. An element that fails for good fills its place with the failure: what that means, ``finish(_:_:_:)``
/// decides.
public protocol BatchTask: NamedTask {
    /// The workflow's context.
    associatedtype Context
    /// An element of the list.
    associatedtype Item: Codable & Sendable
    /// What comes out of an element.
    associatedtype ItemOutput: Codable & Sendable
    /// What the task returns at the end.
    associatedtype Output = Void

    /// Makes the list; it is stored once, as it was made the first time.
    func load(_ context: Context, _ task: TaskContext) async throws -> [Item]

    /// Processes one element.
    func process(_ item: Item, _ task: TaskContext) async throws -> ItemOutput

    /// Finishes, with the result of every element in the order of the list.
    func finish(
        _ context: inout Context,
        _ results: [BranchResult<ItemOutput>],
        _ task: TaskContext
    ) async throws -> Output
}
