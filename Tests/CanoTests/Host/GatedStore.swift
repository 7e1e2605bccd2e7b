// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// A memory store whose commits a test can hold up or refuse.
final class GatedStore: RunStore {
    /// What becomes of a commit before the store sees it; `nil` lets it through.
    typealias Gate = @Sendable ([ShardBatch]) async -> CommitOutcome?

    private let inner: any RunStore
    private let gate = Guarded<Gate?>(nil)
    private let renews = Guarded(true)

    init() {
        let origin = ContinuousClock.now
        self.inner = MemoryStore { Instant(microseconds: 1_000_000 * 1_000_000).advanced(since: origin) }
    }

    func set(_ gate: Gate?) { self.gate.withLock { $0 = gate } }

    /// Whether leases of shards are prolonged.
    func setRenews(_ renews: Bool) { self.renews.withLock { $0 = renews } }

    func commit(_ batches: [ShardBatch]) async -> CommitOutcome {
        if let gate = self.gate.withLock({ $0 }), let outcome = await gate(batches) { return outcome }
        return await self.inner.commit(batches)
    }

    func renew(_ held: [ShardID: Epoch], for host: HostID, ttl: Span) async throws(CanoError) -> Set<ShardID> {
        guard self.renews.withLock({ $0 }) else { throw CanoError(.storeUnavailable, "not now") }
        return try await self.inner.renew(held, for: host, ttl: ttl)
    }

    func now() async throws(CanoError) -> Instant { try await self.inner.now() }
    func shards() async throws(CanoError) -> [ShardLease] { try await self.inner.shards() }
    func take(_ claims: [ShardClaim], for host: HostID, ttl: Span) async throws(CanoError) -> [ShardID: Epoch] {
        try await self.inner.take(claims, for: host, ttl: ttl)
    }
    func release(_ held: [ShardID: Epoch], for host: HostID) async throws(CanoError) {
        try await self.inner.release(held, for: host)
    }
    func runnable(
        in shard: ShardID,
        before horizon: Instant,
        waitingOnly: Bool,
        after: RunID?,
        limit: Int
    ) async throws(CanoError) -> [StoredRun] {
        try await self.inner.runnable(
            in: shard,
            before: horizon,
            waitingOnly: waitingOnly,
            after: after,
            limit: limit
        )
    }
    func load(_ run: RunID) async throws(CanoError) -> StoredRun? { try await self.inner.load(run) }
    func hasOutcome(of token: Token, run: RunID, path: WorkPath) async throws(CanoError) -> Bool {
        try await self.inner.hasOutcome(of: token, run: run, path: path)
    }
    func save(_ definition: Definition) async throws(CanoError) { try await self.inner.save(definition) }
    func definitions() async throws(CanoError) -> [Definition] { try await self.inner.definitions() }
    func post(_ mail: [Mail]) async throws(CanoError) { try await self.inner.post(mail) }
    func mail(for shards: [ShardID], limit: Int) async throws(CanoError) -> [StoredMail] {
        try await self.inner.mail(for: shards, limit: limit)
    }
    func summary(of run: RunID) async throws(CanoError) -> RunSummary? { try await self.inner.summary(of: run) }
    func run(forKey key: RunKey) async throws(CanoError) -> KeyedRun? { try await self.inner.run(forKey: key) }
    func summaries(_ query: RunQuery) async throws(CanoError) -> [RunSummary] {
        try await self.inner.summaries(query)
    }
    func history(of run: RunID, after: Int, limit: Int) async throws(CanoError) -> [HistoryRow] {
        try await self.inner.history(of: run, after: after, limit: limit)
    }
    func record(_ audit: AuditEntry) async throws(CanoError) { try await self.inner.record(audit) }
    func audit(limit: Int) async throws(CanoError) -> [AuditEntry] { try await self.inner.audit(limit: limit) }
    func close() async { await self.inner.close() }
}

extension Instant {
    fileprivate func advanced(since origin: ContinuousClock.Instant) -> Instant {
        let (seconds, attoseconds) = origin.duration(to: .now).components
        return Instant(microseconds: self.microseconds + seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
    }
}
