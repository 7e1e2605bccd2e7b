// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A task that asks whether something is ready, again and again, until it is.
///
/// Between two questions the run waits as a row in the store: it holds no slot, and a crash or a move to another
/// process does not begin the waiting anew. What it changes in the context counts only when it answers `ready`.
public protocol PollTask: NamedTask {
    /// The workflow's context.
    associatedtype Context
    /// What it returns once it is ready.
    associatedtype Output = Void

    /// Asks once.
    func poll(_ context: inout Context, _ task: TaskContext) async throws -> PollAnswer<Output>
}

/// What came out of one question.
public enum PollAnswer<Output> {
    /// It is ready: the run goes on.
    case ready(Output)
    /// It is not: ask again after so long (`nil`: as long as the step says).
    case pending(after: Duration?)

    /// It is not ready: ask again after the pause of the step.
    public static var pending: PollAnswer { .pending(after: nil) }
}

extension PollAnswer: Sendable where Output: Sendable {}

extension PollAnswer where Output == Void {
    /// It is ready: the run goes on.
    public static var ready: PollAnswer { .ready(()) }
}

/// How many failed questions a poll puts up with.
public struct PollErrors: Hashable, Sendable {
    let attempts: Int
    let budget: Int?

    /// None: the first failed question fails the step.
    public static let none = PollErrors(attempts: 1, budget: nil)

    /// So many one after another; an answer begins the count anew.
    ///
    /// - Parameter count: how many.
    /// - Returns: the rule.
    public static func consecutive(_ count: Int) -> PollErrors {
        PollErrors(attempts: max(0, count) + 1, budget: nil)
    }

    /// So many altogether, however many answers lie between them.
    ///
    /// - Parameter count: how many.
    /// - Returns: the rule.
    public static func total(_ count: Int) -> PollErrors {
        PollErrors(attempts: max(0, count) + 1, budget: max(0, count))
    }

    /// The retry policy behind it: the pause after an error is the pause after an answer.
    func retry(every pause: Duration) -> RetryPolicy {
        .fixed(attempts: self.attempts, every: pause)
    }
}
