// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A worker's connection, as the process that owns the shard numbers it.
public struct SessionID: RawRepresentable, Hashable, Sendable {
    /// The number, unique in its process.
    public let rawValue: Int64

    /// A session by its number.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }
}

/// A question whose asker waits for the answer, as the process that owns the shard numbers it.
public struct RequestID: RawRepresentable, Hashable, Sendable {
    /// The number, unique in its process.
    public let rawValue: Int64

    /// A request by its number.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }
}

/// What a shard is told.
public enum ShardEvent: Hashable, Sendable {
    /// Start these runs; the ids are in this shard.
    case start([StartOrder])
    /// Note what somebody did, in the next commit.
    case audit(AuditEntry)
    /// The dispatcher found a worker for these offers.
    case grant([Grant])
    /// These tasks begin now.
    case started([LeaseRef])
    /// These attempts ended. So many slots of the worker are kept for what follows in the same runs.
    case reports([AttemptReport], from: SessionID, worker: WorkerID, slots: Int = 0)
    /// Attempts that go on want these cursors to be durable.
    case checkpoints([LeaseCheckpoint], from: SessionID, worker: WorkerID)
    /// A worker still holds these leases.
    case offered([LeaseRef], from: SessionID, worker: WorkerID)
    /// The worker of these leases will not report.
    case lost([LeaseRef], LossReason)
    /// Somebody wants a run to end.
    case cancel(CancelOrder)
    /// Somebody wants something else of a run.
    case order(RunOrder)
    /// A message from another shard or process.
    case mail(StoredMail)
    /// A definition has become known.
    case define(Plan)
    /// Nobody who is connected can do the work of these runs.
    case unserved([RunID])
    /// The store handed out a run that an effect asked for; `nil` when it is not among the unfinished ones.
    case loaded(RunID, StoredRun?)
    /// The store handed out a page of runs; `isLast` when there are no more behind it.
    case page([StoredRun], waitingOnly: Bool, isLast: Bool)
    /// Time has passed.
    case tick
}

/// A run to start.
public struct StartOrder: Hashable, Sendable {
    /// Its id.
    public var run: RunID
    /// Its definition.
    public var plan: Plan
    /// The user's key.
    public var key: String?
    /// The hash of the context.
    public var inputHash: Int64
    /// The context.
    public var context: Payload
    /// From which its jitter is drawn.
    public var seed: UInt64
    /// Who waits for the answer; `nil` for nobody.
    public var request: RequestID?
    /// The trace that the run belongs to.
    public var trace: TraceContext?

    /// An order from its parts.
    public init(
        run: RunID,
        plan: Plan,
        key: String?,
        inputHash: Int64,
        context: Payload,
        seed: UInt64,
        request: RequestID?,
        trace: TraceContext? = nil
    ) {
        self.run = run
        self.plan = plan
        self.key = key
        self.inputHash = inputHash
        self.context = context
        self.seed = seed
        self.request = request
        self.trace = trace
    }
}

/// A worker found for a piece of work.
public struct Grant: Hashable, Sendable {
    /// The work.
    public var offer: WorkOffer
    /// The connection of the worker.
    public var session: SessionID
    /// The worker.
    public var worker: WorkerID

    /// A grant from its parts.
    public init(offer: WorkOffer, session: SessionID, worker: WorkerID) {
        self.offer = offer
        self.session = session
        self.worker = worker
    }
}

/// The wish to end a run.
public struct CancelOrder: Hashable, Sendable {
    /// The run.
    public var run: RunID
    /// Who wants it.
    public var caller: String
    /// Through what, for the audit.
    public var via: String
    /// Who waits for the answer; `nil` for nobody.
    public var request: RequestID?

    /// An order from its parts.
    public init(run: RunID, caller: String, via: String, request: RequestID?) {
        self.run = run
        self.caller = caller
        self.via = via
        self.request = request
    }
}

/// What has to be done once a shard's batch is durable.
public enum ShardEffect: Hashable, Sendable {
    /// Work is ready for a worker.
    case ready(WorkOffer)
    /// A lease was granted: send it.
    case send(LeaseGrant, SessionID)
    /// A lease for this work was granted without an offer, in a slot that was kept.
    case followed(WorkKey, SessionID)
    /// Slots that were kept are free.
    case unused(SessionID, Int)
    /// An offer was not there any more: the worker's credit is free again.
    case ungranted(WorkOffer, SessionID)
    /// A lease that is being adopted counts against these limits.
    case claimed(LeaseRef, [DeclaredLimit], since: Instant)
    /// A lease was adopted: the session holds it from now on.
    case adopted(LeaseRef, SessionID)
    /// Ask the worker to stop; its outcome still counts.
    case stop(LeaseRef, WorkerID)
    /// Tell the worker that the lease has ended.
    case revoke(LeaseRef, WorkerID)
    /// Answer a report or an offer.
    case answer(LeaseRef, ReportAnswer, SessionID)
    /// Answer a checkpoint.
    case checkpointed(LeaseRef, number: Int64, ReportAnswer, SessionID)
    /// Ask the store whether this outcome was accepted before, then answer `already` or `lost`.
    case lookUp(LeaseRef, SessionID)
    /// The context of a visit is not needed any more.
    case left(RunID, visit: Int)
    /// Messages were left for these shards.
    case posted(Set<ShardID>)
    /// Tell who asked.
    case reply(RequestID, ShardReply)
    /// A run is over.
    case finished(RunID, RunOutcome, Record.Finish)
    /// Load a run and tell the shard.
    case load(RunID)
    /// Load a page of runs and tell the shard.
    case loadPage(after: RunID?, before: Instant, waitingOnly: Bool, limit: Int)
    /// A run cannot be read back; it stays as it is. Tell a person.
    case unreadable(RunID, String)
    /// Send a tick when this instant has come.
    case wake(at: Instant)
}

/// The answer to a request.
public enum ShardReply: Hashable, Sendable {
    /// The run was created.
    case created(RunID)
    /// The key is taken; whether by the same input, the hash tells.
    case taken(KeyedRun)
    /// What was asked for is done; not new when it changed nothing.
    case done(isNew: Bool)
    /// What was asked for is not done.
    case refused(Refusal)
    /// The cancellation was noted, or the run is over or ending anyway.
    case cancelled
}

// MARK: Trust

extension ShardEvent {
    /// Whether only an owner that is sure of its lease may act on it: without trust nothing is granted, no timer fires.
    package var needsTrust: Bool {
        switch self {
        case .grant, .tick: true
        case .start, .audit, .started, .reports, .checkpoints, .offered, .lost, .cancel, .order, .mail, .define,
            .unserved,
            .loaded, .page:
            false
        }
    }
}

extension ShardEffect {
    /// The lease that goes out with this effect.
    ///
    /// A commit takes its time, so whoever performs it asks for trust again: without it the lease is
    /// ``LossReason/unstarted``, and its credit free.
    package var lease: LeaseGrant? {
        if case .send(let grant, _) = self { grant } else { nil }
    }

    /// Whether it is about a lease that goes out.
    package var isGrant: Bool {
        switch self {
        case .send, .followed: true
        case .ready, .unused, .ungranted, .claimed, .adopted, .stop, .revoke, .answer, .checkpointed, .lookUp, .left,
            .reply, .finished, .load, .loadPage, .unreadable, .wake, .posted:
            false
        }
    }
}
