// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine
public import Logging

/// What a task knows about the attempt that it is.
///
/// Cancellation is Swift's own: `Task.isCancelled` and `Task.checkCancellation()` tell that the run does not want the
/// outcome any more, that the attempt's time is up, or that the lease is lost.
public struct TaskContext: Sendable {
    /// The run.
    public let run: RunID
    /// The state that the work belongs to.
    public let state: String
    /// The number of the visit; it rises with every state entered.
    public let visit: Int
    /// The number of this attempt, from 1.
    public let attempt: Int
    /// When the attempt's time is up; `nil` for no bound.
    public let deadline: ContinuousClock.Instant?
    /// The same text for every attempt of this work: hand it to outside systems, so that they do its work once.
    public let idempotencyKey: String
    /// A logger that carries the run, the state and the attempt.
    public let logger: Logger

    private let onProgress: @Sendable (String) -> Void

    package init(
        grant: LeaseGrant,
        deadline: ContinuousClock.Instant?,
        logger: Logger,
        onProgress: @escaping @Sendable (String) -> Void
    ) {
        self.run = grant.lease.key.run
        self.state = grant.state
        self.visit = grant.lease.key.visit
        self.attempt = grant.lease.attempt
        self.deadline = deadline
        self.idempotencyKey = grant.idempotencyKey
        self.logger = logger
        self.onProgress = onProgress
    }

    /// Says how far the task is, in a line for people.
    ///
    /// Kept only while the attempt runs.
    public func progress(_ line: String) {
        self.onProgress(line)
    }
}
