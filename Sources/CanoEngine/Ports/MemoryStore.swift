// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A store that forgets everything when the process ends: for tests and for runs that need not survive.
///
/// It keeps every promise of ``RunStore`` but durability. Two hosts that share it share one instance.
public final class MemoryStore: RunStore {
    let tables: Guarded<MemoryTables>
    let clock: @Sendable () -> Instant

    /// An empty store.
    ///
    /// - Parameter clock: the time that the store calls its own, in wall-clock microseconds.
    public init(clock: @escaping @Sendable () -> Instant) {
        self.tables = Guarded(MemoryTables())
        self.clock = clock
    }

    /// See ``RunStore/now()``.
    public func now() async -> Instant { self.clock() }

    /// See ``RunStore/shards()``.
    public func shards() async -> [ShardLease] {
        self.tables.withLock { $0.shards(at: self.clock()) }
    }

    /// See ``RunStore/take(_:for:ttl:)``.
    public func take(_ claims: [ShardClaim], for host: HostID, ttl: Span) async -> [ShardID: Epoch] {
        self.tables.withLock { $0.take(claims, for: host, ttl: ttl, at: self.clock()) }
    }

    /// See ``RunStore/renew(_:for:ttl:)``.
    public func renew(_ held: [ShardID: Epoch], for host: HostID, ttl: Span) async -> Set<ShardID> {
        self.tables.withLock { $0.renew(held, for: host, ttl: ttl, at: self.clock()) }
    }

    /// See ``RunStore/release(_:for:)``.
    public func release(_ held: [ShardID: Epoch], for host: HostID) async {
        self.tables.withLock { $0.release(held, for: host) }
    }

    /// See ``RunStore/commit(_:)``.
    public func commit(_ batches: [ShardBatch]) async -> CommitOutcome {
        self.commitAtOnce(batches)
    }

    /// See ``RunStore/runnable(in:before:waitingOnly:after:limit:)``.
    public func runnable(
        in shard: ShardID,
        before horizon: Instant,
        waitingOnly: Bool,
        after: RunID?,
        limit: Int
    ) async -> [StoredRun] {
        self.tables.withLock {
            $0.runnable(in: shard, before: horizon, waitingOnly: waitingOnly, after: after, limit: limit)
        }
    }

    /// See ``RunStore/load(_:)``.
    public func load(_ run: RunID) async -> StoredRun? {
        self.tables.withLock { $0.load(run) }
    }

    /// See ``RunStore/hasOutcome(of:run:path:)``.
    public func hasOutcome(of token: Token, run: RunID, path: WorkPath) async -> Bool {
        self.tables.withLock { $0.hasOutcome(of: token, run: run, path: path) }
    }

    /// See ``RunStore/save(_:)``.
    public func save(_ definition: Definition) async throws(CanoError) {
        try self.tables.withLock { (tables) throws(CanoError) in try tables.save(definition) }
    }

    /// See ``RunStore/definitions()``.
    public func definitions() async -> [Definition] {
        self.tables.withLock { $0.definitions() }
    }

    /// See ``RunStore/post(_:)``.
    public func post(_ mail: [Mail]) async {
        self.tables.withLock { $0.post(mail) }
    }

    /// See ``RunStore/mail(for:limit:)``.
    public func mail(for shards: [ShardID], limit: Int) async -> [StoredMail] {
        self.tables.withLock { $0.mail(for: shards, limit: limit) }
    }

    /// See ``RunStore/summary(of:)``.
    public func summary(of run: RunID) async -> RunSummary? {
        self.tables.withLock { $0.summary(of: run) }
    }

    /// See ``RunStore/run(forKey:)``.
    public func run(forKey key: RunKey) async -> KeyedRun? {
        self.tables.withLock { $0.run(forKey: key) }
    }

    /// See ``RunStore/summaries(_:)``.
    public func summaries(_ query: RunQuery) async -> [RunSummary] {
        self.tables.withLock { $0.summaries(query) }
    }

    /// See ``RunStore/history(of:after:limit:)``.
    public func history(of run: RunID, after: Int, limit: Int) async -> [HistoryRow] {
        self.tables.withLock { $0.history(of: run, after: after, limit: limit) }
    }

    /// See ``RunStore/record(_:)``.
    public func record(_ audit: AuditEntry) async {
        self.tables.withLock { $0.record(audit) }
    }

    /// See ``RunStore/audit(limit:)``.
    public func audit(limit: Int) async -> [AuditEntry] {
        self.tables.withLock { $0.audit(limit: limit) }
    }

    /// See ``RunStore/keepUp(retention:)``.
    public func keepUp(retention: Span?) async -> Upkeep {
        self.tables.withLock { $0.keepUp(retention: retention, at: self.clock()) }
    }

    /// See ``RunStore/close()``.
    public func close() async {}
}
