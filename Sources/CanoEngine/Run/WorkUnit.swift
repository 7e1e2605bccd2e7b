// SPDX-License-Identifier: Apache-2.0 OR MIT

/// One piece of work of a visit: which attempt is next or under way, and what became of the earlier ones.
///
/// Counters and ``State/backingOff(until:)`` come from records. A lease is the owner's knowledge alone: after a
/// take-over the unit is ready again until a worker offers the lease.
public struct WorkUnit: Hashable, Sendable {
    /// What the unit is doing.
    public enum State: Hashable, Sendable {
        /// It can be granted. Next: leased, closed.
        case ready
        /// It waits for its next attempt. Next: ready, closed.
        case backingOff(until: Instant)
        /// A worker has it. Next: ready, backing off, parked, closed.
        case leased(Lease)
        /// Its worker died too often; a person must look. Next: closed.
        case parked
        /// It is over, one way or the other.
        case closed
    }

    /// What happened to the unit: most have no past, so that a large split is small.
    private struct Past: Hashable, Sendable {
        var failures = 0
        var allFailures = 0
        var cursor: Payload?
        var cursorSeqs: [Int] = []
        var removedCursors = 0
        var crashes = 0
        var isInDoubt = false
        var lostItsOwner = false
        var held: Record.Attempt?
        var hedge: Lease?
        var began: Instant?
    }

    /// The number of the next attempt, or of the one that is leased.
    public internal(set) var attempt = 1
    /// What the unit is doing.
    public internal(set) var state = State.ready
    /// Since when the next attempt may begin; `nil`: since the work is there.
    public internal(set) var readyAt: Instant?
    private var stored: Shared<Past>?

    /// A unit that nobody has tried yet.
    public init() {}

    private var past: Past {
        get { self.stored?.value ?? Past() }
        set { if self.stored != nil || newValue != Past() { self.stored = Shared(newValue) } }
    }

    /// How many attempts failed or ran out of time, since the last one that ended well.
    public internal(set) var failures: Int {
        get { self.stored?.value.failures ?? 0 }
        set { self.past.failures = newValue }
    }

    /// How many did altogether.
    public internal(set) var allFailures: Int {
        get { self.stored?.value.allFailures ?? 0 }
        set { self.past.allFailures = newValue }
    }

    /// What the last good attempt left for the next one.
    public internal(set) var cursor: Payload? {
        get { self.stored?.value.cursor }
        set { self.past.cursor = newValue }
    }

    /// The numbers of the cursor records that the history has of it, the oldest first.
    public internal(set) var cursorSeqs: [Int] {
        get { self.stored?.value.cursorSeqs ?? [] }
        set { self.past.cursorSeqs = newValue }
    }

    /// How many cursor records were removed from the history.
    public internal(set) var removedCursors: Int {
        get { self.stored?.value.removedCursors ?? 0 }
        set { self.past.removedCursors = newValue }
    }

    /// How many workers died of it, since the last attempt that ended well.
    public internal(set) var crashes: Int {
        get { self.stored?.value.crashes ?? 0 }
        set { self.past.crashes = newValue }
    }

    /// Whether an attempt may have done something that nobody knows of.
    public internal(set) var isInDoubt: Bool {
        get { self.stored?.value.isInDoubt ?? false }
        set { self.past.isInDoubt = newValue }
    }

    /// Whether an attempt since the last one that ended well was lost with its owner: nobody knows who is to blame.
    public internal(set) var lostItsOwner: Bool {
        get { self.stored?.value.lostItsOwner ?? false }
        set { self.past.lostItsOwner = newValue }
    }

    /// Whether it was lost before in a way that may have been its own doing.
    var isWary: Bool { self.lostItsOwner || self.crashes > 0 }

    /// Who has the current attempt, when that is recorded: a new owner waits for its offer.
    public internal(set) var held: Record.Attempt? {
        get { self.stored?.value.held }
        set { if self.stored != nil || newValue != nil { self.past.held = newValue } }
    }

    /// The lease of a second worker for the same attempt; only while the unit is leased.
    public internal(set) var hedge: Lease? {
        get { self.stored?.value.hedge }
        set { if self.stored != nil || newValue != nil { self.past.hedge = newValue } }
    }

    /// When the first attempt since the last good one was begun, as far as records of ended ones tell.
    public internal(set) var began: Instant? {
        get { self.stored?.value.began }
        set { self.past.began = newValue }
    }

    /// The lease, while there is one.
    public var lease: Lease? {
        if case .leased(let lease) = self.state { return lease }
        return nil
    }

    /// The lease with this token; `nil` when the unit is not leased under it.
    func lease(under token: Token) -> Lease? {
        if let lease = self.lease, lease.token == token { return lease }
        if let hedge = self.hedge, hedge.token == token { return hedge }
        return nil
    }

    /// All leases of the unit: none, one, or two of one attempt.
    var leases: [Lease] {
        guard let lease = self.lease else { return [] }
        return self.hedge.map { [lease, $0] } ?? [lease]
    }

    /// Changes the lease under this token, if there is one.
    mutating func changeLease(_ token: Token, _ body: (inout Lease) -> Void) {
        if var hedge = self.hedge, hedge.token == token {
            body(&hedge)
            self.hedge = hedge
        } else if case .leased(var lease) = self.state, lease.token == token {
            body(&lease)
            self.state = .leased(lease)
        }
    }

    /// One of two leases of the attempt ended; the other one is the unit's from now on.
    mutating func dropHedged(_ token: Token?) {
        self.isInDoubt = true
        if self.held?.token == token { self.held = nil }
        guard let hedge = self.hedge else { return }
        if hedge.token != token { self.state = .leased(hedge) }
        self.hedge = nil
    }

    /// Whether its next attempt must be alone on its worker.
    var isSuspect: Bool { self.crashes >= 2 }

    /// Whether this owner knows of nobody who has the attempt.
    ///
    /// A pause may be over that only the last owner saw end.
    var isUnclaimed: Bool {
        switch self.state {
        case .ready, .backingOff: true
        case .leased, .parked, .closed: false
        }
    }

    /// Whether an earlier owner may have granted the attempt without a record.
    func mayHaveBeenGranted(before now: Instant) -> Bool {
        switch self.state {
        case .ready: true
        case .backingOff(let until): until <= now
        case .leased, .parked, .closed: false
        }
    }

    /// Whether the history says that a worker has the attempt, and this owner has not heard from that worker.
    var isUnoffered: Bool { self.held != nil && self.state == .ready }

    // MARK: What records change

    /// An attempt failed or ran out of time; without `retryAt` the unit is over.
    mutating func fail(_ attempt: Record.Attempt, retryAt: Instant?) {
        self.began = self.began ?? attempt.startedAt
        self.failures += 1
        self.allFailures += 1
        self.next(at: retryAt, orElse: .closed, now: nil)
    }

    /// An attempt ended well and left the rest to the next one: what went wrong before it is forgotten.
    mutating func proceed(from attempt: Record.Attempt, _ cursor: Record.Cursor, seq: Int, at now: Instant) {
        self.keep(cursor, seq: seq)
        self.attempt = attempt.number
        self.next(at: cursor.resumeAt, orElse: .ready, now: now)
    }

    /// The attempt goes on, and has made a cursor durable; that is a record of who has it, too.
    mutating func checkpoint(_ attempt: Record.Attempt, _ cursor: Record.Cursor, seq: Int) {
        self.keep(cursor, seq: seq)
        // The records that made it this attempt may be among those that newer cursors replaced.
        self.attempt = attempt.number
        self.readyAt = nil
        self.hold(attempt)
    }

    private mutating func keep(_ cursor: Record.Cursor, seq: Int) {
        self.failures = 0
        self.crashes = 0
        self.lostItsOwner = false
        self.began = nil
        if let payload = cursor.payload { self.cursor = payload }
        self.cursorSeqs.append(seq)
        if let replaced = cursor.replaces { self.cursorSeqs.removeAll { $0 == replaced } }
        self.removedCursors = cursor.removed
    }

    /// The next cursor record of the unit: with it goes the oldest one when there would be too many.
    ///
    /// It says where the unit stands by itself, as the record that said so before may be the one that goes.
    func cursor(_ payload: Payload?, resumeAt: Instant?, most: Int) -> Record.Cursor {
        let replaces = self.cursorSeqs.count >= max(1, most) ? self.cursorSeqs.first : nil
        let removed = self.removedCursors + (replaces == nil ? 0 : 1)
        return Record.Cursor(payload ?? self.cursor, resumeAt: resumeAt, replaces: replaces, removed: removed)
    }

    /// An attempt ended without an outcome.
    mutating func lose(
        _ attempt: Record.Attempt,
        _ reason: LossReason,
        retryAt: Instant?,
        crashLimit: Int,
        at now: Instant
    ) {
        if reason == .hedged { return self.dropHedged(attempt.token) }
        if reason.leavesDoubt { self.isInDoubt = true }
        if reason.failure != nil { return self.fail(attempt, retryAt: retryAt) }
        if reason.isCrash { self.crashes += 1 }
        if reason == .owner { self.lostItsOwner = true }
        self.began = self.began ?? attempt.startedAt
        self.next(at: retryAt, orElse: self.crashes >= crashLimit ? .parked : .ready, now: now)
    }

    /// A person must look.
    mutating func park() { self.state = .parked }

    /// A person wants it tried again, as if nothing had failed before.
    mutating func startAnew() {
        self.failures = 0
        self.crashes = 0
        self.lostItsOwner = false
        self.state = .ready
    }

    /// The current attempt is known to be held.
    mutating func hold(_ attempt: Record.Attempt) {
        self.held = attempt
        guard case .leased(var lease) = self.state else {
            self.state = .ready  // its back-off was over when it was granted
            return
        }
        lease.isRecorded = true
        self.state = .leased(lease)
    }

    /// It is over: nobody has it any more.
    mutating func close() {
        self.held = nil
        self.hedge = nil
        self.state = .closed
    }

    private mutating func next(at retryAt: Instant?, orElse state: State, now: Instant?) {
        self.attempt += 1
        self.held = nil
        self.hedge = nil
        self.readyAt = retryAt ?? now
        self.state = retryAt.map { .backingOff(until: $0) } ?? state
    }
}

extension WorkUnit {
    /// Whether both are the same.
    public static func == (left: WorkUnit, right: WorkUnit) -> Bool {
        left.attempt == right.attempt && left.state == right.state && left.readyAt == right.readyAt
            && left.past == right.past
    }

    /// Feeds the hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.attempt)
        hasher.combine(self.state)
    }
}

/// A worker's right to do one attempt, as its owner knows it.
public struct Lease: Hashable, Sendable {
    /// The fence.
    public var token: Token
    /// Who has it.
    public var worker: WorkerID
    /// Since when, by the database's clock.
    public var since: Instant
    /// Whether the worker said that the task has begun.
    public var hasStarted = false
    /// Whether the history knows of it.
    public var isRecorded = false
    /// Whether the worker was asked to stop.
    public var isStopping = false

    /// A new lease.
    public init(token: Token, worker: WorkerID, since: Instant) {
        self.token = token
        self.worker = worker
        self.since = since
    }
}
