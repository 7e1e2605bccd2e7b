// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What a task throws to say how its failure is to be treated.
///
/// Any other error counts as a failure that may be tried again, with the error's description as its message. Throw a
/// `TaskFailure` only when nothing was done that would need an undo; an attempt that was interrupted throws
/// `CancellationError` and counts as in doubt.
public struct TaskFailure: Error, Hashable, Sendable {
    /// A short stable reason, as timelines show it.
    public var code: String
    /// One line for people.
    public var message: String
    /// Whether another attempt makes sense.
    public var isRetryable: Bool
    /// The pause before the next attempt, instead of the policy's.
    public var retryAfter: Duration?

    /// A failure from its parts.
    public init(
        _ message: String,
        code: String = CanoError.Code.taskFailed.name,
        isRetryable: Bool = true,
        retryAfter: Duration? = nil
    ) {
        self.code = code
        self.message = message
        self.isRetryable = isRetryable
        self.retryAfter = retryAfter
    }

    /// A failure that no other attempt can mend: the step fails at once.
    ///
    /// - Parameters:
    ///   - message: one line for people.
    ///   - code: a short stable reason.
    /// - Returns: the failure.
    public static func permanent(_ message: String, code: String = CanoError.Code.taskFailed.name) -> TaskFailure {
        TaskFailure(message, code: code, isRetryable: false)
    }
}

extension TaskFailure: CustomStringConvertible {
    /// The message.
    public var description: String { self.message }
}
