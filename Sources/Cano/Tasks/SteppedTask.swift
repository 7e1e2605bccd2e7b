// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A long piece of work done in steps, with a cursor between them that is durable.
///
/// Each step is an attempt of its own, with its own retries and timeout, on whichever worker is free: a crash repeats
/// one step, never the work before it. The cursor belongs to the visit of the state. What a step changes in the
/// context counts only when it answers `done`.
public protocol SteppedTask: NamedTask {
    /// The workflow's context.
    associatedtype Context
    /// Where the next step begins.
    associatedtype Cursor: Codable & Sendable
    /// What it returns at the end.
    associatedtype Output = Void

    /// Does one step.
    ///
    /// - Parameters:
    ///   - context: the workflow's context.
    ///   - cursor: what the step before returned; `nil` for the first one.
    ///   - task: the attempt.
    /// - Returns: the cursor of the next step, or the end.
    /// - Throws: whatever went wrong; the step is then tried again with the same cursor.
    func step(
        _ context: inout Context,
        after cursor: Cursor?,
        _ task: TaskContext
    ) async throws
        -> StepAnswer<Cursor, Output>
}

/// What came out of one step.
public enum StepAnswer<Cursor, Output> {
    /// There is more to do, from here.
    case more(Cursor)
    /// The work is done: the run goes on.
    case done(Output)
}

extension StepAnswer: Sendable where Cursor: Sendable, Output: Sendable {}

extension StepAnswer where Output == Void {
    /// The work is done: the run goes on.
    public static var done: StepAnswer { .done(()) }
}
