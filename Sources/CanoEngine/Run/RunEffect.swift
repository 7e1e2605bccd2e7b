// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What has to be done once a run's records are durable.
public enum RunEffect: Hashable, Sendable {
    /// Work is ready for a worker.
    case ready(WorkOffer)
    /// The worker should stop, but the outcome still counts.
    case stop(LeaseRef, WorkerID)
    /// The lease has ended: the worker should stop, and the outcome does not count any more.
    case revoke(LeaseRef, WorkerID)
    /// Look at the run, or at one piece of its work, when this instant has come.
    case wake(at: Instant, WorkPath?)
    /// The visit of a split is over: its context is not needed by any worker.
    case left(visit: Int)
    /// The run is over.
    case finished(RunOutcome)
}

/// What a run decided: facts to be written first, then effects to be performed.
public struct RunDecision: Hashable, Sendable {
    /// The sequence number of the first record.
    public var firstSeq = 0
    /// The state in which the first record was decided.
    public var firstState: Plan.Index = 0
    /// The visit of that state.
    public var firstVisit = 0
    /// The facts, in order.
    public var records: [Record] = []
    /// Messages to other runs, written together with the facts.
    public var mail: [Mail] = []
    /// What follows once they are durable.
    public var effects: [RunEffect] = []

    /// Nothing.
    public init() {}

    /// Whether nothing was decided.
    public var isEmpty: Bool { self.records.isEmpty && self.mail.isEmpty && self.effects.isEmpty }
}
