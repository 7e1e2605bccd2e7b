// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What a shard's owner can tell to those who watch runs, once the batch that it belongs to is durable.
///
/// Facts are gathered only when somebody watches; nothing is decided from them.
public enum ShardFact: Hashable, Sendable {
    /// A run decided something.
    case decided(DecidedRun)
    /// A run was read back from the store.
    case resumed(RunStanding)
    /// A run cannot go on by itself, for this reason.
    case blocked(RunStanding, String)
    /// A run that could not go on does so again.
    case unblocked(RunStanding)

    /// The run that it is about.
    public var run: RunID {
        switch self {
        case .decided(let decided): decided.run
        case .resumed(let standing), .blocked(let standing, _), .unblocked(let standing): standing.run
        }
    }
}

/// Where a run is.
public struct RunStanding: Hashable, Sendable {
    /// The run.
    public var run: RunID
    /// Its definition.
    public var plan: Plan
    /// Its state.
    public var state: Plan.Index
    /// The number of the visit.
    public var visit: Int
    /// The number of its newest record.
    public var seq: Int
    /// The trace that it belongs to.
    public var trace: TraceContext?

    init(_ run: Run) {
        self.run = run.id
        self.plan = run.plan
        self.state = run.position.state
        self.visit = run.position.visit
        self.seq = run.nextSeq - 1
        self.trace = run.trace
    }
}

/// Records that a run chose together.
public struct DecidedRun: Hashable, Sendable {
    /// The run.
    public var run: RunID
    /// Its definition.
    public var plan: Plan
    /// The trace that it belongs to.
    public var trace: TraceContext?
    /// When it was started.
    public var startedAt: Instant
    /// When it decided.
    public var at: Instant
    /// Its state before the first record.
    public var state: Plan.Index
    /// The number of that visit.
    public var visit: Int
    /// The number of the first record.
    public var firstSeq: Int
    /// The records, in order.
    public var records: [Record]

    init(_ decision: RunDecision, of run: Run, at now: Instant) {
        self.run = run.id
        self.plan = run.plan
        self.trace = run.trace
        self.startedAt = run.startedAt
        self.at = now
        self.state = decision.firstState
        self.visit = decision.firstVisit
        self.firstSeq = decision.firstSeq
        self.records = decision.records
    }
}
