// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// A store that has a bad day: commits fail, or are written and nobody hears of it.
final class BadDayStore: RunStore {
    /// What happens to a commit.
    enum Trouble: Hashable {
        case unavailable
        /// It is written, but the answer is lost.
        case writtenUnheard
    }

    private let base: any RunStore
    private let troubles = Guarded<[Trouble]>([])

    init(_ base: any RunStore) {
        self.base = base
    }

    /// What happens to the next commits, in order.
    func expect(_ troubles: [Trouble]) {
        self.troubles.withLock { $0 += troubles }
    }

    var isOver: Bool { self.troubles.withLock { $0.isEmpty } }

    func commit(_ batches: [ShardBatch]) async -> CommitOutcome {
        switch self.troubles.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
        case .unavailable: return .failed(.storeUnavailable, "a bad day")
        case .writtenUnheard:
            _ = await self.base.commit(batches)
            return .unknown("the answer was lost")
        case nil: return await self.base.commit(batches)
        }
    }

    func now() async throws(CanoError) -> Instant { try await self.base.now() }
    func shards() async throws(CanoError) -> [ShardLease] { try await self.base.shards() }
    func take(_ claims: [ShardClaim], for host: HostID, ttl: Span) async throws(CanoError) -> [ShardID: Epoch] {
        try await self.base.take(claims, for: host, ttl: ttl)
    }
    func renew(_ held: [ShardID: Epoch], for host: HostID, ttl: Span) async throws(CanoError) -> Set<ShardID> {
        try await self.base.renew(held, for: host, ttl: ttl)
    }
    func release(_ held: [ShardID: Epoch], for host: HostID) async throws(CanoError) {
        try await self.base.release(held, for: host)
    }
    func runnable(
        in shard: ShardID,
        before horizon: Instant,
        waitingOnly: Bool,
        after: RunID?,
        limit: Int
    ) async throws(CanoError) -> [StoredRun] {
        try await self.base.runnable(
            in: shard,
            before: horizon,
            waitingOnly: waitingOnly,
            after: after,
            limit: limit
        )
    }
    func load(_ run: RunID) async throws(CanoError) -> StoredRun? { try await self.base.load(run) }
    func hasOutcome(of token: Token, run: RunID, path: WorkPath) async throws(CanoError) -> Bool {
        try await self.base.hasOutcome(of: token, run: run, path: path)
    }
    func save(_ definition: Definition) async throws(CanoError) { try await self.base.save(definition) }
    func definitions() async throws(CanoError) -> [Definition] { try await self.base.definitions() }
    func post(_ mail: [Mail]) async throws(CanoError) { try await self.base.post(mail) }
    func mail(for shards: [ShardID], limit: Int) async throws(CanoError) -> [StoredMail] {
        try await self.base.mail(for: shards, limit: limit)
    }
    func summary(of run: RunID) async throws(CanoError) -> RunSummary? { try await self.base.summary(of: run) }
    func run(forKey key: RunKey) async throws(CanoError) -> KeyedRun? { try await self.base.run(forKey: key) }
    func summaries(_ query: RunQuery) async throws(CanoError) -> [RunSummary] {
        try await self.base.summaries(query)
    }
    func history(of run: RunID, after: Int, limit: Int) async throws(CanoError) -> [HistoryRow] {
        try await self.base.history(of: run, after: after, limit: limit)
    }
    func record(_ audit: AuditEntry) async throws(CanoError) { try await self.base.record(audit) }
    func audit(limit: Int) async throws(CanoError) -> [AuditEntry] { try await self.base.audit(limit: limit) }
    func close() async { await self.base.close() }
}
