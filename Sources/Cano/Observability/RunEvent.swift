// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// Something that happened to a run, told once it is durable.
///
/// Every event says which run, which workflow, and where the run was. In one process each ``Kind/attemptStarted(_:)``
/// is followed by exactly one ``Kind/attemptEnded(_:_:)`` of the same attempt, whatever goes wrong.
public struct RunEvent: Hashable, Sendable {
    /// The run.
    public var run: RunID
    /// Its workflow's name and version.
    public var definition: DefinitionKey
    /// The state: the one that the work belongs to, the one just entered, or where the run is.
    public var state: String
    /// The number of the visit; it rises with every state entered.
    public var visit: Int
    /// The number of the record in the run's history that says so; of the newest one for what leaves no record.
    public var seq: Int
    /// When, by the store's clock.
    public var at: Instant
    /// What happened.
    public var kind: Kind
    /// The trace that the run belongs to; `nil` when it was started outside of any.
    public var trace: TraceContext?

    /// An event from its parts.
    public init(
        run: RunID,
        definition: DefinitionKey,
        state: String,
        visit: Int,
        seq: Int,
        at: Instant,
        kind: Kind,
        trace: TraceContext? = nil
    ) {
        self.run = run
        self.definition = definition
        self.state = state
        self.visit = visit
        self.seq = seq
        self.at = at
        self.kind = kind
        self.trace = trace
    }

    /// What can happen to a run.
    ///
    /// New cases may appear: a `switch` outside Cano needs `@unknown default`.
    @nonexhaustive
    public enum Kind: Hashable, Sendable {
        /// The run began.
        case started
        /// The run was read back from the store: the process is new, the shard moved, or what it waited for has come.
        case resumed
        /// It entered a state, the first one and an exit included.
        case entered
        /// A worker was given an attempt.
        case attemptStarted(Attempt)
        /// An attempt ended.
        case attemptEnded(Attempt, AttemptEnd)
        /// An attempt that an earlier owner of the shard had granted ended without an outcome.
        case attemptOrphaned(Attempt, LossReason)
        /// Work will be tried again, now or at this instant.
        case retrying(Attempt, at: Instant?)
        /// An attempt has been running for a while.
        case attemptHeld(Attempt)
        /// An attempt ended well and left the rest of the work to the next one, now or at this instant.
        case continuing(Attempt, at: Instant?)
        /// An attempt that goes on made its cursor durable.
        case checkpointed(Attempt)
        /// The run was sent a signal.
        case signalled(name: String)
        /// The run started another one.
        case childStarted(RunID)
        /// The run that it waits for has ended.
        case childEnded(RunID, RunOutcome)
        /// A person decided about work that could not go on.
        case intervened(WorkPath, Intervention.Verb, by: String)
        /// The run goes on under another version of its workflow.
        case migrated(from: Int, to: Int)
        /// A split has so many branches.
        case expanded(branches: Int)
        /// A branch of a split ended for good.
        case branchEnded(index: Int, BranchEnd)
        /// A join was decided.
        case joined(JoinDecision)
        /// A timer was set.
        case timerSet(due: Instant)
        /// A timer fired.
        case timerFired
        /// Something was done that is undone should the run fail; ``RunEvent/seq`` is its name. Not known: the outcome
        /// of the attempt that may have done it is unknown.
        case pushed(WorkPath, isKnown: Bool)
        /// The run is to end; attempts that can be undone are still awaited.
        case ending(Ending)
        /// The run turned back: what was pushed is undone, the newest first.
        case compensating(Ending)
        /// What was pushed under this number was undone, or could not be.
        case compensated(entry: Int, Failure?)
        /// The run cannot go on by itself.
        case blocked(reason: String)
        /// It goes on again.
        case unblocked
        /// The run ended, after this long, with so many entries that could not be undone.
        case finished(RunOutcome, after: Span, notUndone: Int)
    }

    /// One try at a piece of work.
    public struct Attempt: Hashable, Sendable {
        /// Which work of the visit.
        public var path: WorkPath
        /// Its task's name.
        public var task: String
        /// The number of the attempt, from 1.
        public var number: Int
        /// Who has or had it; `nil` when nobody knows.
        public var worker: WorkerID?
        /// When it was granted; `nil` when nobody knows.
        public var startedAt: Instant?

        /// An attempt from its parts.
        public init(path: WorkPath, task: String, number: Int, worker: WorkerID?, startedAt: Instant?) {
            self.path = path
            self.task = task
            self.number = number
            self.worker = worker
            self.startedAt = startedAt
        }
    }

    /// How an attempt ended.
    @nonexhaustive
    public enum AttemptEnd: Hashable, Sendable {
        /// Its outcome was accepted.
        case succeeded
        /// It failed.
        case failed(Failure)
        /// It ended without an outcome; `LossReason.owner` also when this process gave up the shard.
        case lost(LossReason)
        /// Its outcome is not wanted any more.
        case revoked
    }

    /// How a branch ended.
    @nonexhaustive
    public enum BranchEnd: Hashable, Sendable {
        /// It returned something.
        case succeeded
        /// It failed for good.
        case failed(Failure)
        /// The join was decided without it.
        case cancelled
    }
}
