// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The workers that a coordinator knows, connected or lately so, with the leases they hold.
///
/// Pure. Instants are of a monotonic clock. A worker that is mute for longer than the lease time, or whose connection
/// closed and that did not come back within the grace, loses its leases. Time in which this process itself was away is
/// nobody's silence: it does not count.
public struct WorkerDirectory: Sendable {
    /// What a worker does under one lease.
    public struct Holding: Hashable, Sendable {
        /// The state that the work belongs to; empty when the lease was taken over from another owner.
        public var state: String
        /// Since when this coordinator knows that the worker has it.
        public var since: Instant
    }

    /// One worker.
    public struct Entry: Hashable, Sendable {
        /// What it said about itself.
        public var hello: WorkerFrame.Hello
        /// Its connection; `nil` while it has none.
        public var connection: SessionID?
        /// When it was last heard.
        public var heardAt: Instant
        /// When its connection closed; `nil` while it has one.
        public var closedAt: Instant?
        /// What it holds.
        public var leases: [LeaseRef: Holding] = [:]
        /// What it held under an earlier connection and has not offered under this one: a grant may have been lost with
        /// that connection, and then nobody does the work.
        public var unconfirmed: Set<LeaseRef> = []
        /// Until when it may offer those.
        public var confirmBy: Instant?
        /// Whether it takes no more leases.
        public var isDraining = false
    }

    /// The answer to a greeting.
    public enum Admission: Hashable, Sendable {
        /// Welcome; the older connection of the same worker, if any, is to be closed.
        case welcome(replacing: SessionID?)
        /// A newer connection of the same worker is here already.
        case outdated
    }

    /// What a worker lost by being away or mute.
    public struct Departure: Hashable, Sendable {
        /// The worker.
        public var worker: WorkerID
        /// Its connection, which is to be closed; `nil` when it had none, or has come back on a newer one.
        public var connection: SessionID?
        /// What it held.
        public var leases: [LeaseRef]
        /// Why.
        public var reason: LossReason
    }

    /// How long leases live without a heartbeat.
    public let ttl: Span
    /// How long a worker whose connection closed may take to come back.
    public let grace: Span
    /// The workers.
    public private(set) var entries: [WorkerID: Entry] = [:]
    private var lastTick: Instant?

    /// A tick that comes so long after the last one says that this process was stopped or starved meanwhile.
    private static let slowTick = Span.seconds(1)

    /// A directory of nobody.
    public init(ttl: Span, grace: Span) {
        self.ttl = ttl
        self.grace = grace
    }

    /// A worker greets.
    public mutating func greet(_ hello: WorkerFrame.Hello, on connection: SessionID, at now: Instant) -> Admission {
        guard var entry = self.entries[hello.worker] else {
            self.entries[hello.worker] = Entry(hello: hello, connection: connection, heardAt: now)
            return .welcome(replacing: nil)
        }
        guard hello.session > entry.hello.session else { return .outdated }
        let old = entry.connection
        entry.hello = hello
        entry.connection = connection
        entry.heardAt = now
        entry.closedAt = nil
        entry.unconfirmed = Set(entry.leases.keys)
        entry.confirmBy = entry.unconfirmed.isEmpty ? nil : now.advanced(by: self.grace)
        entry.isDraining = false
        self.entries[hello.worker] = entry
        return .welcome(replacing: old)
    }

    /// A worker said something on this connection; false when the connection is not its current one.
    public mutating func heard(_ worker: WorkerID, on connection: SessionID, at now: Instant) -> Bool {
        guard self.entries[worker]?.connection == connection else { return false }
        self.entries[worker]?.heardAt = now
        return true
    }

    /// A worker is sent a lease on this connection.
    ///
    /// False when the connection is not its current one: then nothing may be sent, and the lease is lost at once, for
    /// nobody will ever report it.
    public mutating func holds(
        _ worker: WorkerID,
        _ lease: LeaseRef,
        state: String,
        on connection: SessionID,
        at now: Instant
    ) -> Bool {
        guard self.entries[worker]?.connection == connection else { return false }
        self.entries[worker]?.leases[lease] = Holding(state: state, since: now)
        self.entries[worker]?.unconfirmed.remove(lease)
        return true
    }

    /// A lease that a worker offered on this connection was taken over.
    ///
    /// When the connection is not its current one any more, the worker has to offer the lease on that, as everything
    /// that it held before. False when the worker is gone: the lease is lost.
    public mutating func adopts(
        _ worker: WorkerID,
        _ lease: LeaseRef,
        on connection: SessionID,
        at now: Instant
    ) -> Bool {
        guard var entry = self.entries[worker] else { return false }
        let isNew = entry.leases[lease] == nil
        if isNew { entry.leases[lease] = Holding(state: "", since: now) }
        if entry.connection == connection {
            entry.unconfirmed.remove(lease)
        } else if isNew, entry.connection != nil {
            entry.unconfirmed.insert(lease)
            entry.confirmBy = now.advanced(by: self.grace)
        }
        self.entries[worker] = entry
        return true
    }

    /// A worker does not hold these leases any more; returns how many it held.
    @discardableResult
    public mutating func releases(_ worker: WorkerID, _ leases: some Sequence<LeaseRef>) -> Int {
        var count = 0
        for lease in leases where self.entries[worker]?.leases.removeValue(forKey: lease) != nil {
            self.entries[worker]?.unconfirmed.remove(lease)
            count += 1
        }
        return count
    }

    /// A worker takes no more leases.
    public mutating func drains(_ worker: WorkerID) {
        self.entries[worker]?.isDraining = true
    }

    /// A connection closed.
    public mutating func closed(_ worker: WorkerID, on connection: SessionID, at now: Instant) {
        guard self.entries[worker]?.connection == connection else { return }
        self.entries[worker]?.connection = nil
        self.entries[worker]?.closedAt = now
    }

    /// Time has passed: who is gone or mute loses what it held.
    ///
    /// Ticks come several times a second; a longer pause is taken for this process's own.
    public mutating func tick(at now: Instant) -> [Departure] {
        self.forgiveOwnAbsence(at: now)
        var departures: [Departure] = []
        for (worker, entry) in self.entries.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let reason: LossReason
            if let closedAt = entry.closedAt {
                guard now >= closedAt.advanced(by: self.grace) else { continue }
                reason = .workerGone
            } else {
                guard now >= entry.heardAt.advanced(by: self.ttl) else {
                    if let departure = self.giveUpUnconfirmed(worker, at: now) { departures.append(departure) }
                    continue
                }
                reason = .workerMute
            }
            let leases = entry.leases.keys.sorted { $0.token < $1.token }
            departures.append(Departure(worker: worker, connection: entry.connection, leases: leases, reason: reason))
            self.entries[worker] = nil
        }
        return departures
    }

    /// While this process was away it could hear nobody, so everybody gets that time back.
    private mutating func forgiveOwnAbsence(at now: Instant) {
        defer { self.lastTick = now }
        guard let last = self.lastTick else { return }
        let pause = Span(milliseconds: now.milliseconds(since: last))
        guard pause > Self.slowTick else { return }
        for (worker, entry) in self.entries {
            self.entries[worker]?.heardAt = min(now, entry.heardAt.advanced(by: pause))
            if let closedAt = entry.closedAt {
                self.entries[worker]?.closedAt = min(now, closedAt.advanced(by: pause))
            }
            if let confirmBy = entry.confirmBy { self.entries[worker]?.confirmBy = confirmBy.advanced(by: pause) }
        }
    }

    /// Leases that a worker did not offer after it came back are lost, although the worker is here.
    private mutating func giveUpUnconfirmed(_ worker: WorkerID, at now: Instant) -> Departure? {
        guard var entry = self.entries[worker], let confirmBy = entry.confirmBy, now >= confirmBy else { return nil }
        let leases = entry.unconfirmed.sorted { $0.token < $1.token }
        for lease in leases { entry.leases[lease] = nil }
        entry.unconfirmed = []
        entry.confirmBy = nil
        self.entries[worker] = entry
        guard !leases.isEmpty else { return nil }
        return Departure(worker: worker, connection: nil, leases: leases, reason: .workerGone)
    }
}
