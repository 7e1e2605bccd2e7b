// SPDX-License-Identifier: Apache-2.0 OR MIT

/// An error that says itself how its failure is to be treated.
///
/// Errors of other types count as failures that may be tried again.
public protocol ClassifiedError: Error {
    /// A short stable reason, as timelines show it and retry policies name it (default: `taskFailed`).
    var code: String { get }
    /// Whether another attempt makes sense (default: yes).
    var isRetryable: Bool { get }
    /// The pause before the next attempt, instead of the policy's (default: `nil`).
    var retryAfter: Duration? { get }
}

extension ClassifiedError {
    /// The code of any failed task.
    public var code: String { CanoError.Code.taskFailed.name }
    /// Another attempt makes sense.
    public var isRetryable: Bool { true }
    /// The policy's pause.
    public var retryAfter: Duration? { nil }
}

/// What a task throws to say how its failure is to be treated.
///
/// Any other error counts as a failure that may be tried again, with the error's description as its message. Throw a
/// `TaskFailure` only when nothing was done that would need an undo; an attempt that was interrupted throws
/// `CancellationError` and counts as in doubt.
public struct TaskFailure: ClassifiedError, Hashable, Sendable {
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
