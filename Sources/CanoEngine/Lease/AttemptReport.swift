// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What a worker says about the end of an attempt.
public struct AttemptReport: Hashable, Sendable {
    /// How the attempt ended.
    public enum Result: Hashable, Sendable {
        /// It did its work.
        case completed(Completion)
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

/// What the owner of a run answers to a report.
public enum ReportAnswer: Hashable, Sendable {
    /// The outcome is durable.
    case accepted
    /// The same outcome was accepted before; the first answer was lost on its way.
    case already
    /// The lease was given away or ended: the outcome does not count.
    case lost
}
