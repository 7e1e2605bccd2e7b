// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Which shards a process owns, and until when it trusts itself.
///
/// Leases only prevent churn; safety comes from the epochs that the store compares. All instants here are of a
/// monotonic clock of this process, never of the database.
public struct Ownership: Sendable {
    /// What a process knows about one shard.
    public enum State: Hashable, Sendable {
        /// Somebody else holds it, or nobody. Next: taking.
        case foreign
        /// It is being taken. Next: held, foreign.
        case taking
        /// It is ours. Next: foreign (lost, released, taken again after an unknown commit).
        case held(Epoch)
    }

    /// What the owner has to do.
    public enum Effect: Hashable, Sendable {
        /// Take these shards.
        case take([ShardClaim])
        /// Begin to own a shard under this epoch; `after` is another process that had it and did not release it.
        case begin(ShardID, Epoch, after: HostID?)
        /// Stop owning a shard: no more commits, no compensation, nothing cleared.
        case end(ShardID, Epoch)
    }

    /// What happened.
    public enum Event: Hashable, Sendable {
        /// The store's list of shards; `patience` shards whose lease has run out may be taken.
        case listed([ShardLease])
        /// The answer to a take: the shards that were won; the other claims were lost.
        case taken([ShardClaim], won: [ShardID: Epoch])
        /// The take did not reach the store.
        case takeFailed([ShardClaim])
        /// The answer to a renewal that was sent at this moment.
        case renewed([ShardID: Epoch], still: Set<ShardID>, sentAt: Instant)
        /// A commit named the shard as stale.
        case stale(ShardID, Epoch)
        /// A commit of the shard may or may not have been written: it must be taken again.
        case unknown(ShardID, Epoch)
        /// The process stops.
        case stopped
    }

    /// Who we are.
    public let me: HostID
    /// How long leases of shards live.
    public let ttl: Span
    /// By how much the trust ends before the lease.
    public let margin: Span
    /// What is known, by shard.
    public private(set) var states: [State]
    private var trustedUntil: [Instant]
    private var isStopping = false

    /// A process that owns nothing yet.
    public init(me: HostID, ttl: Span) {
        self.me = me
        self.ttl = ttl
        self.margin = Span(milliseconds: ttl.milliseconds / 10)
        self.states = Array(repeating: .foreign, count: ShardID.count)
        self.trustedUntil = Array(repeating: Instant(microseconds: .min), count: ShardID.count)
    }

    /// The shards that are ours, with their epochs.
    public var held: [ShardID: Epoch] {
        var held: [ShardID: Epoch] = [:]
        for (index, state) in self.states.enumerated() {
            if case .held(let epoch) = state { held[ShardID(rawValue: UInt8(index))] = epoch }
        }
        return held
    }

    /// Whether the lease of a shard is sure to last at this moment.
    ///
    /// Without trust nothing is granted and no timer fires.
    public func isTrusted(_ shard: ShardID, at now: Instant) -> Bool {
        guard case .held = self.states[Int(shard.rawValue)] else { return false }
        return now < self.trustedUntil[Int(shard.rawValue)]
    }

    /// The only place where ownership changes.
    public mutating func apply(_ event: Event, at now: Instant) -> [Effect] {
        switch event {
        case .listed(let leases): return self.claim(leases)
        case .taken(let claims, let won): return self.settle(claims, won, at: now)
        case .takeFailed(let claims):
            for claim in claims { self.release(claim.shard) }
            return []
        case .renewed(let asked, let still, let sentAt): return self.renew(asked, still, sentAt: sentAt)
        case .stale(let shard, let epoch), .unknown(let shard, let epoch): return self.lose(shard, epoch)
        case .stopped:
            self.isStopping = true
            return self.held.sorted { $0.key < $1.key }.flatMap { self.lose($0.key, $0.value) }
        }
    }

    private mutating func claim(_ leases: [ShardLease]) -> [Effect] {
        guard !self.isStopping else { return [] }
        var claims: [ShardClaim] = []
        for lease in leases {
            guard self.states.indices.contains(Int(lease.shard.rawValue)) else { continue }
            switch self.states[Int(lease.shard.rawValue)] {
            case .taking, .held: continue
            case .foreign:
                // Our own lease that we gave up on after an unknown commit needs no patience.
                let isFree = lease.holder == nil || lease.holder == self.me || lease.remaining.milliseconds == 0
                guard isFree else { continue }
                self.states[Int(lease.shard.rawValue)] = .taking
                claims.append(ShardClaim(shard: lease.shard, seen: lease.epoch, holder: lease.holder))
            }
        }
        return claims.isEmpty ? [] : [.take(claims)]
    }

    private mutating func settle(_ claims: [ShardClaim], _ won: [ShardID: Epoch], at now: Instant) -> [Effect] {
        var effects: [Effect] = []
        for claim in claims {
            let index = Int(claim.shard.rawValue)
            guard case .taking = self.states[index] else { continue }
            guard let epoch = won[claim.shard], !self.isStopping else {
                self.states[index] = .foreign
                continue
            }
            self.states[index] = .held(epoch)
            self.trustedUntil[index] = self.trust(from: now)
            effects.append(.begin(claim.shard, epoch, after: claim.holder == self.me ? nil : claim.holder))
        }
        return effects
    }

    private mutating func renew(
        _ asked: [ShardID: Epoch],
        _ still: Set<ShardID>,
        sentAt: Instant
    ) -> [Effect] {
        var effects: [Effect] = []
        for (shard, epoch) in asked.sorted(by: { $0.key < $1.key }) {
            guard case .held(epoch) = self.states[Int(shard.rawValue)] else { continue }
            if still.contains(shard) {
                self.trustedUntil[Int(shard.rawValue)] = self.trust(from: sentAt)
            } else {
                effects += self.lose(shard, epoch)
            }
        }
        return effects
    }

    private func trust(from sentAt: Instant) -> Instant {
        sentAt.advanced(by: Span(milliseconds: self.ttl.milliseconds - self.margin.milliseconds))
    }

    private mutating func lose(_ shard: ShardID, _ epoch: Epoch) -> [Effect] {
        guard case .held(epoch) = self.states[Int(shard.rawValue)] else { return [] }
        self.states[Int(shard.rawValue)] = .foreign
        return [.end(shard, epoch)]
    }

    private mutating func release(_ shard: ShardID) {
        if case .taking = self.states[Int(shard.rawValue)] { self.states[Int(shard.rawValue)] = .foreign }
    }
}
