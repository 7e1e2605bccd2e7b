// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The task of a state behind a wait: it gets the context and what the signal said.
public protocol SignalTask: NamedTask {
    /// The workflow's context.
    associatedtype Context
    /// What the signal says; the states before it must wait for a ``Signal`` of this type.
    associatedtype Payload: Codable & Sendable
    /// What it returns.
    associatedtype Output = Void

    /// Does the work.
    func run(_ context: inout Context, _ signal: Payload, _ task: TaskContext) async throws -> Output
}

/// The task of a state behind a child run: it gets the context and how the child ended.
///
/// The child may have failed: what that means is for this task to say.
public protocol ChildTask: NamedTask {
    /// The workflow's context.
    associatedtype Context
    /// The context of the child's workflow.
    associatedtype ChildContext: Codable & Sendable
    /// What it returns.
    associatedtype Output = Void

    /// Does the work.
    func run(
        _ context: inout Context,
        _ child: ChildOutcome<ChildContext>,
        _ task: TaskContext
    ) async throws -> Output
}
