// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The worker's side of the wire as a whole: its sessions with all coordinators, its slots, what runs in them, and the
/// outcomes that nobody has acknowledged yet.
///
/// Pure: the shell feeds it batches of events with the time of a monotonic clock in milliseconds, and performs the
/// effects in order. What belongs to one coordinator goes out as one list of frames for each batch of events.
package struct WorkerMachine: Sendable {
    /// One of the coordinators that the worker was told about, by its position.
    package struct Link: RawRepresentable, Hashable, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }
    }

    package enum Event: Hashable, Sendable {
        /// The connection is open; it is empty in both directions.
        case opened(Link)
        /// The connection is closed, or could not be opened.
        case closed(Link)
        /// These frames arrived together.
        case frames(Link, [CoordinatorFrame])
        /// The task of a lease has returned: its slot is free.
        case finished(LeaseRef, AttemptReport.Result)
        /// These leases were to begin, but the connection broke before that could be said: nothing of them was done.
        case unstarted([LeaseRef])
        /// A task says how far it is; with an empty line only that it lives.
        case progress(LeaseRef, String)
        /// An attempt wants a cursor to be durable; answered with `checkpointed`, unless it is cancelled before.
        case checkpoint(LeaseCheckpoint)
        /// Time has passed.
        case ticked
        /// The worker is to stop within so many milliseconds.
        case drain(within: Int64)
    }

    package enum Effect: Hashable, Sendable {
        /// Open a connection after so many milliseconds; answered with `opened` or `closed`.
        case connect(Link, after: Int64)
        /// Close the connection when what was sent is written; answered with `closed`.
        case disconnect(Link)
        /// There will be no further connection.
        case leave(Link)
        /// Send these frames.
        case send(Link, [WorkerFrame])
        /// Say with one frame that these begin, and when that is written, run them; if it cannot be, `unstarted`.
        case begin(Link, [LeaseGrant])
        /// Cancel the tasks of these leases; each goes on holding its slot until it returns.
        case cancel([LeaseRef])
        /// The answer to a checkpoint has come.
        case checkpointed(CheckpointAnswer)
        /// Something that people want to read in a log.
        case note(Link, Note)
        /// The worker is done.
        case stop(Ending)
    }

    /// What people want to read in a log.
    package enum Note: Hashable, Sendable {
        case welcomed
        case ended
        case refused(code: String, message: String)
        case distrusted(leases: Int)
        case violated(String)
    }

    /// Why a worker ends.
    package enum Ending: Hashable, Sendable {
        /// It was asked to, and everything it did is acknowledged.
        case drained
        /// It was asked to, and its time is up: so many outcomes are not acknowledged.
        case outOfTime(unanswered: Int)
        /// No coordinator wants it.
        case refused(code: String, message: String)
    }

    /// What one coordinator knows and has said.
    struct Partner: Sendable {
        let address: String
        var session: WorkerSession
        /// Leases that it may still send.
        var credit = 0
        /// It gave credit back and has not asked for more since.
        var hasEnough = false
        /// The shards it owns, in this session.
        var owned: [ShardID: Epoch] = [:]
        /// The contexts of visits, in this session.
        var contexts: [VisitKey: Payload] = [:]
        /// The largest payload it takes, in bytes.
        var payloadBytes = Int.max
        /// Frames to be sent at the end of this batch of events.
        var frames: [WorkerFrame] = []
        /// Reports to be sent at the end of this batch of events.
        var reports: [AttemptReport] = []
    }

    struct VisitKey: Hashable, Sendable {
        var run: RunID
        var visit: Int
    }

    /// A lease whose task holds a slot.
    struct Held: Sendable {
        enum Phase: Hashable, Sendable {
            case running
            /// Cancelled; when it has not answered by then, the worker reports for it.
            case stopping(Reason, reportAt: Int64)
            /// Cancelled, and nobody wants to hear of it any more.
            case abandoned
        }
        enum Reason: Hashable, Sendable { case asked, timeout, drain, distrust, silent }

        /// The coordinator that vouches for it.
        var home: Link
        var phase = Phase.running
        /// When the attempt's time is up.
        var deadline: Int64?
        /// How long its code may give no sign of life.
        var heartbeat: Int64?
        /// By when it must give the next one.
        var lifeBy: Int64 = .max
        /// Its coordinator lost the shard and no owner is known: until when it may run on.
        var orphanedUntil: Int64?
        /// When progress may be sent again.
        var progressAt: Int64 = .min
        /// Whether the session of `home` knows of it.
        var isOffered = true
        var timeout: Span?
        /// The checkpoint that is not answered yet.
        var checkpoint: LeaseCheckpoint?
    }

    /// An outcome that nobody has acknowledged.
    struct Unanswered: Sendable {
        var result: AttemptReport.Result
        var home: Link
        /// Whether it was sent in the session of `home`.
        var isSent = false
    }

    package enum Life: Hashable, Sendable {
        case working
        /// Tasks are cancelled at `stopAt`; at `endAt` the worker ends.
        case draining(stopAt: Int64, endAt: Int64)
        case ended
    }

    let rules: WorkerRules
    var hello: WorkerFrame.Hello
    var partners: [Partner]
    var held: [LeaseRef: Held] = [:]
    var unanswered: [LeaseRef: Unanswered] = [:]
    /// Who last said that it has work.
    var favourite: Link?
    package internal(set) var life = Life.working
    /// The refusal that was heard last; told when nobody is left.
    var refusal: Ending?
    /// No lease needs a tick before this time; it may be too early, never too late.
    var nextLeaseTick: Int64 = .max
    var effects: [Effect] = []

    /// A worker that has not begun yet; ``begin()`` gives its first effects.
    ///
    /// - Parameters:
    ///   - hello: the greeting; its session number rises with every connection, the first one has the number after it.
    ///   - coordinators: their addresses, at least one.
    ///   - rules: the times and bounds.
    ///   - seed: the source of the jitter.
    package init(hello: WorkerFrame.Hello, coordinators: [String], rules: WorkerRules, seed: UInt64) {
        invariant(!coordinators.isEmpty, "a worker needs a coordinator")
        self.hello = hello
        self.rules = rules
        var random = SplitMix64(seed: seed)
        self.partners = coordinators.map {
            Partner(address: $0, session: WorkerSession(rules: rules, seed: random.next()))
        }
    }

    /// How many slots are taken.
    package var busySlots: Int { self.held.count }
    /// How many leases may still come, over all sessions.
    package var creditGiven: Int { self.partners.reduce(0) { $0 + $1.credit } }
    /// How many outcomes wait for an answer.
    package var unansweredReports: Int { self.unanswered.count }

    /// When the next tick is needed.
    package var nextTick: Int64? {
        var next = self.nextLeaseTick
        for partner in self.partners { next = min(next, partner.session.nextTick ?? .max) }
        if case .draining(let stopAt, let endAt) = self.life { next = min(next, stopAt, endAt) }
        return next == .max ? nil : next
    }

    var links: [Link] { self.partners.indices.map(Link.init(rawValue:)) }

    subscript(link: Link) -> Partner {
        get { self.partners[link.rawValue] }
        _modify { yield &self.partners[link.rawValue] }
    }

    /// The first effects: a connection to each coordinator.
    package mutating func begin() -> [Effect] {
        self.links.map { .connect($0, after: 0) }
    }

    /// The only place where a worker changes.
    package mutating func apply(_ events: [Event], at now: Int64) -> [Effect] {
        guard self.life != .ended else { return [] }
        for event in events { self.apply(event, at: now) }
        self.giveCredit()
        self.endIfDone(at: now)
        // Frames go out before leases begin and connections close.
        var sends: [Effect] = []
        for link in self.links {
            var frames = self[link].frames
            if !self[link].reports.isEmpty { frames.insert(.reports(self[link].reports), at: self.reportIndex(frames)) }
            if !frames.isEmpty { sends.append(.send(link, frames)) }
            self[link].frames = []
            self[link].reports = []
        }
        defer { self.effects = [] }
        return sends + self.effects
    }

    /// Reports go before the credit that they set free and behind everything else.
    private func reportIndex(_ frames: [WorkerFrame]) -> Int {
        if case .credit = frames.last { frames.count - 1 } else { frames.count }
    }

    private mutating func apply(_ event: Event, at now: Int64) {
        switch event {
        case .opened(let link): self.advance(link, .opened, at: now)
        case .closed(let link): self.advance(link, .closed, at: now)
        case .frames(let link, let frames):
            for frame in frames { self.hear(frame, from: link, at: now) }
        case .finished(let lease, let result): self.finished(lease, result)
        case .unstarted(let leases):
            for lease in leases { self.finished(lease, .released) }
        case .progress(let lease, let line): self.progress(lease, line, at: now)
        case .checkpoint(let checkpoint): self.checkpoint(checkpoint, at: now)
        case .ticked:
            for link in self.links { self.advance(link, .ticked, at: now) }
            self.checkLeases(at: now)
            self.checkDrain(at: now)
        case .drain(let within): self.drain(within: within, at: now)
        }
    }
}
