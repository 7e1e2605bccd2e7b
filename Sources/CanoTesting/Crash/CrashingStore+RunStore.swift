// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

extension CrashingStore: RunStore {
    /// See `RunStore.now()`.
    public func now() async throws(CanoError) -> Instant {
        try await self.live()
        return try await self.store.now()
    }

    /// See `RunStore.shards()`; a lease of an earlier process has run out, because that process is dead.
    public func shards() async throws(CanoError) -> [ShardLease] {
        try await self.live()
        return try await self.store.shards()
            .map { lease in
                var lease = lease
                lease.remaining = Span(milliseconds: 0)
                return lease
            }
    }

    /// See `RunStore.take(_:for:ttl:)`.
    public func take(_ claims: [ShardClaim], for host: HostID, ttl: Span) async throws(CanoError) -> [ShardID: Epoch] {
        try await self.live()
        return try await self.store.take(claims, for: host, ttl: ttl)
    }

    /// See `RunStore.renew(_:for:ttl:)`.
    public func renew(_ held: [ShardID: Epoch], for host: HostID, ttl: Span) async throws(CanoError) -> Set<ShardID> {
        try await self.live()
        return try await self.store.renew(held, for: host, ttl: ttl)
    }

    /// See `RunStore.release(_:for:)`; a dead process releases nothing.
    public func release(_ held: [ShardID: Epoch], for host: HostID) async throws(CanoError) {
        try await self.live()
        try await self.store.release(held, for: host)
    }

    /// See `RunStore.commit(_:)`; this is where a process may die.
    public func commit(_ batches: [ShardBatch]) async -> CommitOutcome {
        let (isWritten, isHeard) = self.beginCommit()
        guard isWritten else { return .failed(.shuttingDown, await self.silence().message) }
        let outcome = await self.store.commit(batches)
        guard isHeard else {
            self.crash()
            return .failed(.shuttingDown, await self.silence().message)
        }
        return outcome
    }

    /// See `RunStore.runnable(in:before:waitingOnly:after:limit:)`.
    public func runnable(
        in shard: ShardID,
        before horizon: Instant,
        waitingOnly: Bool,
        after: RunID?,
        limit: Int
    ) async throws(CanoError) -> [StoredRun] {
        try await self.live()
        return try await self.store.runnable(
            in: shard,
            before: horizon,
            waitingOnly: waitingOnly,
            after: after,
            limit: limit
        )
    }

    /// See `RunStore.load(_:)`.
    public func load(_ run: RunID) async throws(CanoError) -> StoredRun? {
        try await self.live()
        return try await self.store.load(run)
    }

    /// See `RunStore.hasOutcome(of:run:path:)`.
    public func hasOutcome(of token: Token, run: RunID, path: WorkPath) async throws(CanoError) -> Bool {
        try await self.live()
        return try await self.store.hasOutcome(of: token, run: run, path: path)
    }

    /// See `RunStore.save(_:)`.
    public func save(_ definition: Definition) async throws(CanoError) {
        try await self.live()
        try await self.store.save(definition)
    }

    /// See `RunStore.definitions()`.
    public func definitions() async throws(CanoError) -> [Definition] {
        try await self.live()
        return try await self.store.definitions()
    }

    /// See `RunStore.post(_:)`.
    public func post(_ mail: [Mail]) async throws(CanoError) {
        try await self.live()
        try await self.store.post(mail)
    }

    /// See `RunStore.mail(for:limit:)`.
    public func mail(for shards: [ShardID], limit: Int) async throws(CanoError) -> [StoredMail] {
        try await self.live()
        return try await self.store.mail(for: shards, limit: limit)
    }

    /// See `RunStore.summary(of:)`.
    public func summary(of run: RunID) async throws(CanoError) -> RunSummary? {
        try await self.live()
        return try await self.store.summary(of: run)
    }

    /// See `RunStore.run(forKey:)`.
    public func run(forKey key: RunKey) async throws(CanoError) -> KeyedRun? {
        try await self.live()
        return try await self.store.run(forKey: key)
    }

    /// See `RunStore.summaries(_:)`.
    public func summaries(_ query: RunQuery) async throws(CanoError) -> [RunSummary] {
        try await self.live()
        return try await self.store.summaries(query)
    }

    /// See `RunStore.history(of:after:limit:)`.
    public func history(of run: RunID, after: Int, limit: Int) async throws(CanoError) -> [HistoryRow] {
        try await self.live()
        return try await self.store.history(of: run, after: after, limit: limit)
    }

    /// See `RunStore.record(_:)`.
    public func record(_ audit: AuditEntry) async throws(CanoError) {
        try await self.live()
        try await self.store.record(audit)
    }

    /// See `RunStore.audit(limit:)`.
    public func audit(limit: Int) async throws(CanoError) -> [AuditEntry] {
        try await self.live()
        return try await self.store.audit(limit: limit)
    }

    /// See `RunStore.keepUp(retention:)`.
    public func keepUp(retention: Span?) async throws(CanoError) -> Upkeep {
        try await self.live()
        return try await self.store.keepUp(retention: retention)
    }

    /// Does nothing: the data below stays open for the next process.
    public func close() async {}
}
