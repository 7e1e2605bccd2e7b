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
    /// Whether the attempt may have done something all the same, so that the undo of its task has to run.
    public var leavesDoubt: Bool

    /// A failure from its parts.
    public init(code: String, message: String, isRetryable: Bool = true, leavesDoubt: Bool = false) {
        self.code = code
        self.message = message
        self.isRetryable = isRetryable
        self.leavesDoubt = leavesDoubt
    }

    /// The same failure of an attempt that may have done something.
    package var inDoubt: Failure {
        Failure(code: self.code, message: self.message, isRetryable: self.isRetryable, leavesDoubt: true)
    }

    /// The same failure as the reason why something larger ended: the doubt is its attempt's own.
    package var asReason: Failure {
        Failure(code: self.code, message: self.message, isRetryable: self.isRetryable)
    }

    private enum CodingKeys: String, CodingKey { case code, message, isRetryable, leavesDoubt }

    /// Reads the coded form; one without the doubt has none.
    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            code: try members.decode(String.self, forKey: .code),
            message: try members.decode(String.self, forKey: .message),
            isRetryable: try members.decode(Bool.self, forKey: .isRetryable),
            leavesDoubt: try members.decodeIfPresent(Bool.self, forKey: .leavesDoubt) ?? false
        )
    }

    /// Writes the coded form.
    public func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encode(self.code, forKey: .code)
        try members.encode(self.message, forKey: .message)
        try members.encode(self.isRetryable, forKey: .isRetryable)
        if self.leavesDoubt { try members.encode(true, forKey: .leavesDoubt) }
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
    ///
    /// Only old histories have it: such an attempt is a ``Failure`` that leaves doubt.
    case unusable
    /// The worker handed the lease back before the task began, because it stops.
    case released
    /// The attempt gave no sign of life for longer than its task allows; it counts as a failed attempt.
    case heartbeatMissed
    /// Two workers had the attempt, and this one was not needed: the other one went on, or brought the outcome.
    case hedged

    /// Why an attempt ended that was stopped; `nil` when it stopped by itself: then it failed, and leaves doubt.
    ///
    /// - Parameters:
    ///   - failure: what its worker says about it.
    ///   - isStopping: whether the attempt was asked to stop.
    package init?(of failure: Failure, isStopping: Bool) {
        if isStopping || failure.code == Failure.workerStops {
            self = .abandoned
        } else if failure.code == LossReason.timeout.failure?.code {
            self = .timeout
        } else if failure.code == LossReason.heartbeatMissed.failure?.code {
            self = .heartbeatMissed
        } else {
            return nil
        }
    }

    /// Whether the loss is charged to the step as a crash of its worker.
    public var isCrash: Bool {
        switch self {
        case .workerGone, .workerMute: true
        case .unstarted, .owner, .abandoned, .timeout, .unusable, .released, .heartbeatMissed, .hedged: false
        }
    }

    /// Whether the attempt may have done something that nobody knows of.
    public var leavesDoubt: Bool {
        switch self {
        case .workerGone, .workerMute, .owner, .abandoned, .timeout, .unusable, .heartbeatMissed, .hedged: true
        case .unstarted, .released: false
        }
    }

    /// The failure that an attempt lost for this reason counts as; `nil` when it does not count as one.
    public var failure: Failure? {
        switch self {
        case .timeout: Failure(code: "timeout", message: "the attempt took longer than its timeout")
        case .unusable:
            Failure(code: "unusableOutcome", message: "the outcome cannot be used; the worker's log says why")
        case .heartbeatMissed:
            Failure(
                code: "heartbeatMissed",
                message: "the attempt gave no sign of life for longer than its task allows"
            )
        case .workerGone, .workerMute, .unstarted, .owner, .abandoned, .released, .hedged: nil
        }
    }
}
