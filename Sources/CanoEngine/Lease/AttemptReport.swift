// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What a worker says about the end of an attempt.
public struct AttemptReport: Hashable, Sendable {
    /// How the attempt ended.
    public enum Result: Hashable, Sendable {
        /// It did its work.
        case completed(Completion)
        /// It did its work, and then that of local states behind it, in this order.
        case carried(Completion, following: [LocalCompletion])
        /// It failed; nothing was done that needs an undo, unless the failure leaves doubt. `retryAfter` replaces the
        /// policy's pause when it is set.
        case failed(Failure, retryAfter: Span?)
        /// It was stopped as asked or because its time was up; nobody knows how far it came.
        case stopped(Failure)
        /// The worker hands it back without having begun, because it stops.
        case released
    }

    /// What came out of a completed attempt.
    public enum Completion: Hashable, Sendable {
        /// A task: the new context (`nil`: as before), the chosen state (`nil`: the only one) and, when it can be
        /// undone, its output.
        case task(context: Payload?, next: String?, output: Payload?)
        /// A router: the chosen state.
        case route(next: String)
        /// An expansion: the items.
        case items([Payload])
        /// A branch: its output.
        case output(Payload)
        /// An undo.
        case undone
        /// A task or a branch whose work takes several attempts (``TaskDefinition/repetition``): this one ended well,
        /// and the work is not done. The next attempt is given the cursor (`nil`: the one before stays), after the
        /// pause (`nil`: that of the definition).
        case again(cursor: Payload?, after: Span?)
    }

    /// The lease.
    public var lease: LeaseRef
    /// How it ended.
    public var result: Result

    /// A report from its parts.
    public init(lease: LeaseRef, result: Result) {
        self.lease = lease
        self.result = result
    }
}

/// What came out of a local state (``TaskDefinition/isLocal``), or of a router, that the worker did at once behind
/// another state.
public struct LocalCompletion: Hashable, Sendable {
    /// The state.
    public var state: String
    /// What came out of it: a task or a route.
    public var completion: AttemptReport.Completion

    /// A completion from its parts.
    public init(state: String, completion: AttemptReport.Completion) {
        self.state = state
        self.completion = completion
    }
}

/// A cursor that an attempt wants to be durable while it goes on.
public struct LeaseCheckpoint: Hashable, Sendable {
    /// The lease.
    public var lease: LeaseRef
    /// The worker's number for it; the answer names it.
    public var number: Int64
    /// Where the next attempt begins should this one be lost.
    public var cursor: Payload

    /// A checkpoint from its parts.
    public init(lease: LeaseRef, number: Int64, cursor: Payload) {
        self.lease = lease
        self.number = number
        self.cursor = cursor
    }
}

/// What the owner of a run answers to a report.
public enum ReportAnswer: Hashable, Sendable {
    /// The outcome is durable.
    case accepted
    /// The same outcome was accepted before; the first answer was lost on its way.
    case already
    /// The lease was given away or ended: the outcome does not count.
    case lost
}
