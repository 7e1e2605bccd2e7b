// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Why an attempt, a branch or a run failed, as it is stored and shown.
public struct Failure: Hashable, Sendable, Codable {
    /// The code with which a worker stops an attempt because it stops itself: that costs the work no attempt.
    public static let workerStops = "stopped"

    /// A short stable reason, such as `taskFailed`, `timeout` or `exit`.
    public var code: String
    /// One line for people, cut at ``Limits/messageCharacters``.
    public var message: String
    /// Whether another attempt makes sense.
    public var isRetryable: Bool

    /// A failure from its parts.
    public init(code: String, message: String, isRetryable: Bool = true) {
        self.code = code
        self.message = message
        self.isRetryable = isRetryable
    }
}

extension Failure {
    /// The run reached a state that is an exit of failure.
    package static func exit(_ state: String) -> Failure {
        Failure(code: "exit", message: "the run reached '\(state)', an exit of failure", isRetryable: false)
    }
}

/// Why a lease ended without an outcome.
public enum LossReason: String, Hashable, Sendable, Codable {
    /// The worker's connection closed and it did not come back in time.
    case workerGone
    /// The worker was connected but mute for longer than the lease.
    case workerMute
    /// The worker went before the task began.
    case unstarted
    /// The shard changed hands and no worker offered the lease to the new owner.
    case owner
    /// The attempt was asked to stop and nobody knows how far it came.
    case abandoned
    /// The attempt's time was up and nobody knows how far it came; it counts as a failed attempt.
    case timeout
    /// The attempt ended by itself with an outcome that cannot be used; it counts as a failed attempt.
    case unusable
    /// The worker handed the lease back before the task began, because it stops.
    case released

    /// Why an attempt ended that was stopped.
    ///
    /// - Parameters:
    ///   - failure: what its worker says about it.
    ///   - isStopping: whether the attempt was asked to stop.
    package init(of failure: Failure, isStopping: Bool) {
        if isStopping || failure.code == Failure.workerStops {
            self = .abandoned
        } else {
            self = failure.code == LossReason.timeout.failure?.code ? .timeout : .unusable
        }
    }

    /// Whether the loss is charged to the step as a crash of its worker.
    public var isCrash: Bool {
        switch self {
        case .workerGone, .workerMute: true
        case .unstarted, .owner, .abandoned, .timeout, .unusable, .released: false
        }
    }

    /// Whether the attempt may have done something that nobody knows of.
    public var leavesDoubt: Bool {
        switch self {
        case .workerGone, .workerMute, .owner, .abandoned, .timeout, .unusable: true
        case .unstarted, .released: false
        }
    }

    /// The failure that an attempt lost for this reason counts as; `nil` when it does not count as one.
    public var failure: Failure? {
        switch self {
        case .timeout: Failure(code: "timeout", message: "the attempt took longer than its timeout")
        case .unusable:
            Failure(code: "unusableOutcome", message: "the outcome cannot be used; the worker's log says why")
        case .workerGone, .workerMute, .unstarted, .owner, .abandoned, .released: nil
        }
    }
}
