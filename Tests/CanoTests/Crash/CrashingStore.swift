// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// Where a process dies: at which of its commits, and whether that one was still written.
struct CrashPoint: Hashable, Sendable, CustomStringConvertible {
    var commit: Int
    var isWritten: Bool

    var description: String { "death \(self.isWritten ? "behind" : "before") commit \(self.commit)" }
}

/// A store whose process dies at a commit: nothing it does afterwards reaches the store behind.
final class CrashingStore: RunStore {
    private let base: any RunStore
    private let point: CrashPoint
    private let commits = Guarded(0)
    private let isDead = Guarded(false)
    private let deaths = Mailbox<Void>()

    init(_ base: any RunStore, at point: CrashPoint) {
        self.base = base
        self.point = point
    }

    /// Returns when the process has died.
    func death() async { _ = await self.deaths.next() }

    private func alive() throws(CanoError) -> any RunStore {
        guard !self.isDead.withLock({ $0 }) else { throw CanoError(.storeUnavailable, "the process is dead") }
        return self.base
    }

    func commit(_ batches: [ShardBatch]) async -> CommitOutcome {
        guard !self.isDead.withLock({ $0 }) else { return .failed(.storeUnavailable, "the process is dead") }
        let number = self.commits.withLock { commits in
            commits += 1
            return commits
        }
        guard number == self.point.commit else { return await self.base.commit(batches) }
        if self.point.isWritten { _ = await self.base.commit(batches) }
        self.isDead.withLock { $0 = true }
        self.deaths.post(())
        return .unknown("the process is dead")
    }

    func now() async throws(CanoError) -> Instant { try await self.base.now() }
    func shards() async throws(CanoError) -> [ShardLease] { try await self.alive().shards() }

    func take(_ claims: [ShardClaim], for host: HostID, ttl: Span) async throws(CanoError) -> [ShardID: Epoch] {
        try await self.alive().take(claims, for: host, ttl: ttl)
    }

    func renew(_ held: [ShardID: Epoch], for host: HostID, ttl: Span) async throws(CanoError) -> Set<ShardID> {
        try await self.alive().renew(held, for: host, ttl: ttl)
    }

    func release(_ held: [ShardID: Epoch], for host: HostID) async throws(CanoError) {
        try await self.alive().release(held, for: host)
    }

    func runnable(
        in shard: ShardID,
        before horizon: Instant,
        waitingOnly: Bool,
        after: RunID?,
        limit: Int
    ) async throws(CanoError) -> [StoredRun] {
        try await self.alive()
            .runnable(in: shard, before: horizon, waitingOnly: waitingOnly, after: after, limit: limit)
    }

    func load(_ run: RunID) async throws(CanoError) -> StoredRun? { try await self.alive().load(run) }

    func hasOutcome(of token: Token, run: RunID, path: WorkPath) async throws(CanoError) -> Bool {
        try await self.alive().hasOutcome(of: token, run: run, path: path)
    }

    func save(_ definition: Definition) async throws(CanoError) { try await self.alive().save(definition) }
    func definitions() async throws(CanoError) -> [Definition] { try await self.alive().definitions() }
    func post(_ mail: [Mail]) async throws(CanoError) { try await self.alive().post(mail) }

    func mail(for shards: [ShardID], limit: Int) async throws(CanoError) -> [StoredMail] {
        try await self.alive().mail(for: shards, limit: limit)
    }

    func summary(of run: RunID) async throws(CanoError) -> RunSummary? { try await self.alive().summary(of: run) }
    func run(forKey key: RunKey) async throws(CanoError) -> KeyedRun? { try await self.alive().run(forKey: key) }
    func summaries(_ query: RunQuery) async throws(CanoError) -> [RunSummary] {
        try await self.alive().summaries(query)
    }

    func history(of run: RunID, after: Int, limit: Int) async throws(CanoError) -> [HistoryRow] {
        try await self.alive().history(of: run, after: after, limit: limit)
    }

    func record(_ audit: AuditEntry) async throws(CanoError) { try await self.alive().record(audit) }
    func audit(limit: Int) async throws(CanoError) -> [AuditEntry] { try await self.alive().audit(limit: limit) }
    func close() async {}
}
