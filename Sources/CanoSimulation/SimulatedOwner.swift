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

    var life = 0
    var isUp = true
    var pausedUntil = Instant(microseconds: 0)
    var ownership: Ownership
    var seats: [ShardID: Seat] = [:]
    var dispatch = Dispatch()
    var directory: WorkerDirectory
    /// The workers of its connections, once they have greeted.
    var workers: [SessionID: WorkerID] = [:]
    /// How often it has looked for workers that are gone.
    var checks = 0

    init(number: Int, life: Int, options: SimulationOptions) {
        self.life = life
        self.ownership = Ownership(me: HostID(rawValue: "owner-\(number)-\(life)"), ttl: options.shardTTL)
        let grace = Span(milliseconds: options.leaseTTL.milliseconds / 5)
        self.directory = WorkerDirectory(ttl: options.leaseTTL, grace: grace)
    }

    /// The connection of a worker.
    func session(of worker: WorkerID) -> SessionID? { self.directory.entries[worker]?.connection }
}

/// A worker: the real machine, and the tasks that its shell would run.
struct SimulatedWorker {
    struct Task {
        var grant: LeaseGrant
        /// It was told to stop.
        var isStopping = false
        /// Since when another attempt of the same work is granted.
        var rivalSince: Instant?
    }

    var life = 0
    var isUp = true
    var pausedUntil = Instant(microseconds: 0)
    var machine: WorkerMachine
    var tasks: [LeaseRef: Task] = [:]
    /// For when the next tick is arranged.
    var tickAt: Int64 = .max
    let name: WorkerID

    init(number: Int, life: Int, owners: Int, slots: Int, at now: Int64, seed: UInt64) {
        self.life = life
        self.name = WorkerID(rawValue: "worker-\(number)-\(life)")
        let hello = WorkerFrame.Hello(
            secret: "",
            worker: self.name,
            session: now,
            definitions: [],
            handlers: ["work"],
            slots: slots,
            build: "simulated"
        )
        self.machine = WorkerMachine(
            hello: hello,
            coordinators: (0..<owners).map { "owner-\($0):1" },
            rules: WorkerRules { $0.slots = slots },
            seed: seed
        )
    }
}

extension LeaseRef {
    /// An order for collections that have none, so that the same seed tells the same story.
    var rank: (Int64, Int64, UInt8) { (self.token.epoch.rawValue, self.token.counter, self.shard.rawValue) }
}
