// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The tables of a store as a plain value: every rule of ``RunStore`` without a clock, a lock or an `await`.
///
/// ``MemoryStore`` is a thin shell around it, and a simulator drives it under virtual time.
package struct MemoryTables: Sendable {
    struct Lease: Sendable {
        var epoch = Epoch(rawValue: 0)
        var holder: HostID?
        var until = Instant(microseconds: 0)
    }

    struct Live: Sendable {
        var start: RunStart
        var note: String?
    }

    struct Story: Sendable {
        /// In order; not all numbers are there, because cursors that were replaced are removed.
        private(set) var rows: [HistoryRow] = []
        /// The numbers of the `sagaPushed` rows, so that loading a run does not read all of its rows.
        private(set) var pushes: [Int] = []

        /// Adds a row, and removes the one that it replaces.
        mutating func append(_ row: HistoryRow) {
            if row.kind == .sagaPushed { self.pushes.append(row.seq) }
            if let replaced = row.replaced {
                let index = self.index(of: replaced)
                if index < self.rows.count, self.rows[index].seq == replaced, self.rows[index].kind.isCursor {
                    self.rows.remove(at: index)
                }
            }
            self.rows.append(row)
        }

        /// Where the row with this number is, or would be.
        func index(of seq: Int) -> Int {
            var (low, high) = (0, self.rows.count)
            while low < high {
                let middle = (low + high) / 2
                if self.rows[middle].seq < seq { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    var leases = [Lease](repeating: Lease(), count: ShardID.count)
    var live: [RunID: Live] = [:]
    var ended: [RunID: RunSummary] = [:]
    var keys: [RunKey: KeyedRun] = [:]
    var stories: [RunID: Story] = [:]
    var known: [DefinitionKey: Definition] = [:]
    var inbox: [StoredMail] = []
    var lastMail: Int64 = 0
    var notes: [AuditEntry] = []

    /// Empty tables.
    package init() {}
}

// MARK: - Ownership

extension MemoryTables {
    /// See ``RunStore/shards()``.
    package func shards(at now: Instant) -> [ShardLease] {
        zip(ShardID.all, self.leases)
            .map { shard, lease in
                let remaining = lease.holder == nil ? 0 : lease.until.milliseconds(since: now)
                return ShardLease(
                    shard: shard,
                    epoch: lease.epoch,
                    holder: lease.holder,
                    remaining: Span(milliseconds: remaining)
                )
            }
    }

    /// See ``RunStore/take(_:for:ttl:)``.
    package mutating func take(
        _ claims: [ShardClaim],
        for host: HostID,
        ttl: Span,
        at now: Instant
    ) -> [ShardID: Epoch] {
        var taken: [ShardID: Epoch] = [:]
        for claim in claims where self.leases.indices.contains(Int(claim.shard.rawValue)) {
            let index = Int(claim.shard.rawValue)
            guard self.leases[index].epoch == claim.seen else { continue }
            let epoch = Epoch(rawValue: claim.seen.rawValue + 1)
            self.leases[index] = Lease(epoch: epoch, holder: host, until: now.advanced(by: ttl))
            taken[claim.shard] = epoch
        }
        return taken
    }

    /// See ``RunStore/renew(_:for:ttl:)``.
    package mutating func renew(
        _ held: [ShardID: Epoch],
        for host: HostID,
        ttl: Span,
        at now: Instant
    ) -> Set<ShardID> {
        var renewed: Set<ShardID> = []
        for (shard, epoch) in held where self.holds(shard, under: epoch, host: host) {
            let index = Int(shard.rawValue)
            guard self.leases[index].until > now else { continue }
            self.leases[index].until = now.advanced(by: ttl)
            renewed.insert(shard)
        }
        return renewed
    }

    /// See ``RunStore/release(_:for:)``.
    package mutating func release(_ held: [ShardID: Epoch], for host: HostID) {
        for (shard, epoch) in held where self.holds(shard, under: epoch, host: host) {
            self.leases[Int(shard.rawValue)].holder = nil
        }
    }

    private func holds(_ shard: ShardID, under epoch: Epoch, host: HostID) -> Bool {
        guard self.leases.indices.contains(Int(shard.rawValue)) else { return false }
        let lease = self.leases[Int(shard.rawValue)]
        return lease.holder == host && lease.epoch == epoch
    }

    /// Whether a commit under this epoch may write.
    ///
    /// Nobody owns a shard that was never taken.
    func passes(_ batch: ShardBatch) -> Bool {
        let index = Int(batch.shard.rawValue)
        guard self.leases.indices.contains(index), batch.epoch.rawValue > 0 else { return false }
        return self.leases[index].epoch == batch.epoch
    }
}

// MARK: - Upkeep

extension MemoryTables {
    /// See ``RunStore/keepUp(retention:)``.
    package mutating func keepUp(retention: Span?, at now: Instant) -> Upkeep {
        guard let retention else { return Upkeep() }
        let due = self.ended.values.filter { $0.finishedAt.map { $0 < now.preceded(by: retention) } ?? false }
        for run in due {
            self.ended[run.run] = nil
            self.stories[run.run] = nil
            guard let key = run.key.map({ RunKey(workflow: run.definition.name, key: $0) }) else { continue }
            if self.keys[key]?.run == run.run { self.keys[key] = nil }
        }
        return Upkeep(forgotten: due.count)
    }
}

// MARK: - Definitions, mail, notes

extension MemoryTables {
    /// See ``RunStore/save(_:)``.
    package mutating func save(_ definition: Definition) throws(CanoError) {
        if let kept = self.known[definition.key] {
            try definition.checkSame(as: kept.digest)
        } else {
            self.known[definition.key] = definition
        }
    }

    /// See ``RunStore/definitions()``; in order of names and versions.
    package func definitions() -> [Definition] {
        self.known.values.sorted { ($0.name, $0.version) < ($1.name, $1.version) }
    }

    /// See ``RunStore/post(_:)``.
    package mutating func post(_ mail: [Mail]) {
        for message in mail {
            self.lastMail += 1
            self.inbox.append(StoredMail(id: self.lastMail, mail: message))
        }
    }

    /// See ``RunStore/mail(for:limit:)``.
    package func mail(for shards: [ShardID], limit: Int) -> [StoredMail] {
        let wanted = Set(shards)
        return Array(self.inbox.lazy.filter { wanted.contains($0.mail.shard) }.prefix(max(0, limit)))
    }

    /// See ``RunStore/record(_:)``.
    package mutating func record(_ audit: AuditEntry) {
        self.notes.append(audit)
    }

    /// See ``RunStore/audit(limit:)``.
    package func audit(limit: Int) -> [AuditEntry] {
        Array(self.notes.reversed().prefix(max(0, limit)))
    }
}
