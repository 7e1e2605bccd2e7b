// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// A process that owns shards: the reducers, and what its shells would keep.
struct SimulatedOwner {
    /// A shard under one epoch, with what its shell keeps.
    struct Seat {
        var shard: Shard
        var epoch: Epoch
        var mailbox: [ShardEvent] = []
        /// What is being committed.
        var inFlight: ShardOutput?
    }

    /// A worker's connection.
    struct Session {
        var worker: Int
        var heardAt: Instant
        var leases: Set<LeaseRef> = []
    }

    /// Leases of a connection that broke, until when they may be offered again.
    struct Orphans {
        var leases: Set<LeaseRef>
        var until: Instant
    }

    var life = 0
    var isUp = true
    var pausedUntil = Instant(microseconds: 0)
    var ownership: Ownership
    var seats: [ShardID: Seat] = [:]
    var dispatch = Dispatch()
    var sessions: [SessionID: Session] = [:]
    var orphans: [Orphans] = []

    init(number: Int, life: Int, ttl: Span) {
        self.life = life
        self.ownership = Ownership(me: HostID(rawValue: "owner-\(number)-\(life)"), ttl: ttl)
    }

    /// Forgets that somebody has this lease.
    mutating func forget(_ lease: LeaseRef) {
        for id in self.sessions.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            self.sessions[id]?.leases.remove(lease)
        }
        for index in self.orphans.indices { self.orphans[index].leases.remove(lease) }
    }

    func session(of worker: Int) -> SessionID? {
        self.sessions.filter { $0.value.worker == worker }.keys.max { $0.rawValue < $1.rawValue }
    }
}

/// A worker: what it does, and what it has not got an answer for.
struct SimulatedWorker {
    struct Task {
        var grant: LeaseGrant
        var home: Int
        var isStopping = false
    }

    struct Unanswered {
        var result: AttemptReport.Result
        var home: Int
    }

    var life = 0
    var isUp = true
    var tasks: [LeaseRef: Task] = [:]
    var unanswered: [LeaseRef: Unanswered] = [:]
    /// By owner: leases that may still be sent.
    var credit: [Int: Int] = [:]
    /// By owner: until when what was leased by it may go on.
    var trustedUntil: [Int: Instant] = [:]
}

extension LeaseRef {
    /// An order for collections that have none, so that the same seed tells the same story.
    var rank: (Int64, Int64, UInt8) { (self.token.epoch.rawValue, self.token.counter, self.shard.rawValue) }
}
