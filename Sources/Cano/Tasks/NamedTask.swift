// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What all tasks have: a name for people, which is part of the definition.
public protocol NamedTask: Sendable {
    /// The name (default: the name of the type). Changing it needs a new version of the workflow.
    static var taskName: String { get }
}

extension NamedTask {
    /// The name of the type.
    public static var taskName: String { "\(Self.self)" }
}

/// A task of a single state: it gets the context, may change it, and returns something or nothing.
///
/// When it throws, the context stays as it was. It runs at least once: hand ``TaskContext/idempotencyKey`` to outside
/// systems. A task whose output is the workflow's `State` decides which state follows; that of a ``Compensatable`` task
/// is kept for its undo.
public protocol ContextTask: NamedTask {
    /// The workflow's context.
    associatedtype Context
    /// What it returns.
    associatedtype Output = Void

    /// Does the work.
    func run(_ context: inout Context, _ task: TaskContext) async throws -> Output
}

/// The task of a state behind a split: it gets the context and the result of every branch, in the order of the items.
public protocol JoinTask: NamedTask {
    /// The workflow's context.
    associatedtype Context
    /// What the branches before it return.
    associatedtype BranchOutput: Codable & Sendable
    /// What it returns.
    associatedtype Output = Void

    /// Does the work.
    func run(
        _ context: inout Context,
        _ branches: [BranchResult<BranchOutput>],
        _ task: TaskContext
    ) async throws -> Output
}

/// A task that reads the context and decides which state follows.
public protocol RouterTask: NamedTask {
    /// The workflow's context.
    associatedtype Context
    /// The workflow's states.
    associatedtype State: WorkflowState

    /// Decides.
    func route(_ context: Context, _ task: TaskContext) async throws -> State
}

/// Makes the items of a split from the context: it asks a database, lists a folder.
///
/// The items are stored once, as they were made the first time; `Limits.splitBytes` bounds them.
public protocol ExpandTask: NamedTask {
    /// The workflow's context.
    associatedtype Context
    /// What each branch gets.
    associatedtype Item: Codable & Sendable

    /// Makes the items, in the order of the branches.
    func run(_ context: Context, _ task: TaskContext) async throws -> [Item]
}

/// The work of one branch of a split: an item in, an output out.
///
/// It does not see the context.
public protocol BranchTask: NamedTask {
    /// What the branch gets.
    associatedtype Item: Codable & Sendable
    /// What it returns; branches with nothing to tell return a `Bool`.
    associatedtype Output: Codable & Sendable

    /// Does the work.
    func run(_ item: Item, _ task: TaskContext) async throws -> Output
}
