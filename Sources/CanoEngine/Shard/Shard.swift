// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import DequeModule
internal import HeapModule

/// All runs of one shard, as its owner sees them: the composition of the reducers.
///
/// Pure: every event gives rows to commit and effects to perform afterwards. The rows and effects of several events may
/// be collected in one ``ShardOutput``. Nothing of the output may be performed before the commit has been answered;
/// then ``Shard/committed(_:effects:)`` tells what is left to do.
public struct Shard: Sendable {
    /// Where the workers of the shard's owners live.
    public enum Workers: Hashable, Sendable {
        /// In processes of their own, which outlive the owner.
        case elsewhere
        /// In the owner's process: when the last owner died, they died of what they did.
        case within(lastDied: Bool)
    }

    /// How far the owner is after taking the shard.
    public enum Phase: Hashable, Sendable {
        /// It listens for leases that workers still hold. Next: open.
        case listening(until: Instant)
        /// It grants.
        case open
    }

    /// Which runs are rows only because memory is bounded.
    ///
    /// With `again`, some were left out that this pass through the rows may have gone by, so another one follows it.
    enum Backlog: Hashable, Sendable {
        /// None.
        case none
        /// There are some behind this id; `nil` for the beginning.
        case behind(RunID?, again: Bool)
        /// A page behind this id is being loaded.
        case loading(behind: RunID?, again: Bool)
    }

    /// A run in memory.
    struct Resident: Sendable {
        private struct Entry: Sendable {
            var run: Run
            var status: RunStatus
            var isRecovered: Bool
            var isUnserved = false
        }

        private var entry: Shared<Entry>

        init(run: Run, status: RunStatus, isRecovered: Bool) {
            self.entry = Shared(Entry(run: run, status: status, isRecovered: isRecovered))
        }

        var run: Run {
            _read { yield self.entry.value.run }
            _modify { yield &self.entry.value.run }
        }

        /// The status that its row has.
        var status: RunStatus {
            get { self.entry.value.status }
            set { self.entry.value.status = newValue }
        }

        /// Whether no earlier owner can have granted leases of it, or that was dealt with.
        ///
        /// Until then the run decides nothing: it only takes over leases.
        var isRecovered: Bool {
            get { self.entry.value.isRecovered }
            set { self.entry.value.isRecovered = newValue }
        }

        /// Whether nobody who is connected can do its work, and its row says so.
        var isUnserved: Bool {
            get { self.entry.value.isUnserved }
            set { self.entry.value.isUnserved = newValue }
        }
    }

    /// What is kept free of the worker whose report is being dealt with.
    struct KeptSlots: Sendable {
        var session: SessionID
        var worker: WorkerID
        var count: Int
        /// What it did, and so can do.
        var capability: Capability?
    }

    /// How a run waits, as its row says it.
    struct Rest {
        var status: RunStatus
        /// When it must be looked at; `nil` when only something from outside moves it.
        var wakeAt: Instant?
        /// Whether it need not stay in memory.
        var isFar: Bool
    }

    struct Timer: Comparable, Sendable {
        var at: Instant
        var run: RunID
        var purpose: Purpose

        /// Why a run is looked at.
        enum Purpose: Hashable, Sendable {
            /// The run, or a piece of its work, asked for it.
            case wake(WorkPath?)
            /// The worker should have stopped this attempt long ago.
            case overdue(LeaseRef, WorkerID)
            /// Attempts that were held under the last owner were not offered in time.
            case heldTooLong
        }

        static func < (left: Timer, right: Timer) -> Bool { left.at < right.at }
    }

    /// Which shard.
    public let id: ShardID
    /// Under which epoch it is owned.
    public let epoch: Epoch
    /// When it was taken.
    public let takenAt: Instant
    /// How long workers' leases live.
    public let leaseTime: Span
    /// The bounds that it obeys.
    public let limits: Limits
    /// Where its workers live.
    let workers: Workers
    /// How far its owner is.
    public internal(set) var phase: Phase
    var plans: [DefinitionKey: Plan]
    var residents: [RunID: Resident] = [:]
    var counter: Int64 = 0
    var timers = Heap<Timer>()
    var holds = Deque<(at: Instant, lease: LeaseRef)>()
    var backlog = Backlog.none
    var nextSweep: Instant
    /// Events for runs that are being loaded or recovered.
    var awaiting: [RunID: [ShardEvent]] = [:]
    /// Runs that were asked for by themselves and have not come yet.
    var loading: Set<RunID> = []
    /// How many answers of the store are on their way, runs and pages.
    var loadsInFlight = 0
    /// Runs that left memory while answers of the store were on their way, with the number of their next record (the
    /// largest number when they ended): an answer that is older than that must not bring them back as they were.
    var departed: [RunID: Int] = [:]
    /// Messages of runs to other runs that are not on their way yet.
    var outbox: [Mail] = []
    /// Only while reports are dealt with.
    var kept = KeptSlots(session: SessionID(rawValue: 0), worker: WorkerID(rawValue: ""), count: 0)
    /// Messages that wait for their run.
    var mailInHand: Set<Int64> = []

    /// A shard just taken: it listens, and its first effects load what can go on.
    public init(
        id: ShardID,
        epoch: Epoch,
        plans: [Plan],
        at now: Instant,
        leaseTime: Span,
        limits: Limits,
        workers: Workers = .elsewhere,
        effects: inout [ShardEffect]
    ) {
        self.id = id
        self.workers = workers
        self.epoch = epoch
        self.takenAt = now
        self.leaseTime = leaseTime
        self.limits = limits
        self.plans = Dictionary(plans.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        // A shard that nobody ever owned has no leases out.
        let opening = epoch.rawValue <= 1 ? now : now.advanced(by: limits.listenTime)
        self.phase = epoch.rawValue <= 1 ? .open : .listening(until: opening)
        self.nextSweep = now.advanced(by: Span(milliseconds: limits.timerHorizon.milliseconds / 2))
        self.backlog = .behind(nil, again: false)
        effects.append(.wake(at: opening))
        effects.append(.wake(at: self.nextSweep))
        self.loadPageIfRoom(at: now, effects: &effects)
    }

    /// How many runs are in memory.
    public var residentCount: Int { self.residents.count }

    /// A run in memory.
    public func run(_ id: RunID) -> Run? { self.residents[id]?.run }

    /// Every lease that is out.
    public var leases: [(LeaseRef, Lease)] { self.residents.values.flatMap(\.run.leases) }

    /// A definition that runs may be started with or loaded for.
    public mutating func add(_ plan: Plan) {
        self.plans[plan.key] = plan
    }

    /// The fence of the next lease.
    mutating func nextToken() -> Token {
        self.counter += 1
        return Token(epoch: self.epoch, counter: self.counter)
    }

    /// When the next ``ShardEvent/tick`` is due.
    public var nextWake: Instant {
        var wake = self.nextSweep
        if case .listening(let until) = self.phase { wake = min(wake, until) }
        if let timer = self.timers.min { wake = min(wake, timer.at) }
        // A little later than due, so that many leases are recorded in one commit.
        if let hold = self.holds.first { wake = min(wake, hold.at.advanced(by: Span(milliseconds: 100))) }
        return wake
    }
}

/// What a shard wants to have written, and what is to be done once it is.
public struct ShardOutput: Sendable {
    /// The rows.
    public var batch: ShardBatch
    /// What follows.
    public var effects: [ShardEffect] = []
    /// Roughly how many bytes the rows have.
    public var bytes = 0
    /// What can be told about the rows; `nil` when nobody watches.
    public private(set) var facts: [ShardFact]?
    /// Where in the batch a run's new status is: each run has one at most, because rows of one commit have no order.
    private var updates: [RunID: Int] = [:]

    /// An empty output; it gathers facts only when somebody watches.
    public init(shard: ShardID, epoch: Epoch, isWatched: Bool = false) {
        self.batch = ShardBatch(shard: shard, epoch: epoch)
        self.facts = isWatched ? [] : nil
    }

    mutating func tell(_ fact: @autoclosure () -> ShardFact) {
        if self.facts != nil { self.facts?.append(fact()) }
    }

    mutating func post(_ mail: Mail) {
        self.batch.mail.append(mail)
        self.effects.append(.posted([mail.shard]))
    }

    mutating func update(_ update: RunUpdate) {
        if let index = self.updates[update.run] {
            let version = update.version ?? self.batch.updates[index].version
            self.batch.updates[index] = update
            self.batch.updates[index].version = version
        } else {
            self.updates[update.run] = self.batch.updates.count
            self.batch.updates.append(update)
        }
    }
}
