// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Where runs are remembered: memory, SQLite or PostgreSQL, behind one contract and one conformance suite.
///
/// Every method has a deadline of its own and throws ``CanoError`` with code `storeUnavailable` when it passes or the
/// store cannot be reached; the caller waits and tries again, runs never fail because of it. ``commit(_:)`` alone has
/// a third answer: see ``CommitOutcome/unknown(_:)``.
public protocol RunStore: Sendable {
    /// The store's clock. All deadlines are instants of this clock.
    func now() async throws(CanoError) -> Instant

    // MARK: Ownership

    /// Every shard with its epoch and holder.
    func shards() async throws(CanoError) -> [ShardLease]
    /// Takes shards for `host`: waits for commits in flight, then raises each epoch by one.
    ///
    /// A claim whose `seen` is not the epoch that the store has is left out of the answer: somebody else was faster.
    func take(_ claims: [ShardClaim], for host: HostID, ttl: Span) async throws(CanoError) -> [ShardID: Epoch]
    /// Prolongs the leases of shards that `host` still holds under these epochs; returns those that it does.
    ///
    /// A lease that has run out is not prolonged: the shard must be taken again.
    func renew(_ held: [ShardID: Epoch], for host: HostID, ttl: Span) async throws(CanoError) -> Set<ShardID>
    /// Gives shards up, so that another host can take them at once. Epochs stay as they are.
    func release(_ held: [ShardID: Epoch], for host: HostID) async throws(CanoError)

    // MARK: Runs

    /// Writes the batches whose epochs still hold, all in one transaction unless one of them has to be left out.
    ///
    /// No batch fails its neighbours. A stale one is named in ``CommitAnswer/stale``. One that contradicts itself
    /// (`invalidInput`, see ``ShardBatch``) or what is stored (`storeCorrupt`: a record that leaves a gap or repeats a
    /// number, a run that exists already or is not unfinished) is named in ``CommitAnswer/contradicted``. Nothing of
    /// either is written. A shard has one batch in a commit: one that names a shard twice fails whole with
    /// `invalidInput`.
    func commit(_ batches: [ShardBatch]) async -> CommitOutcome
    /// Runs of a shard that can go on or will be due before `horizon`, in order of their ids, behind `after`.
    ///
    /// - Parameters:
    ///   - shard: the shard.
    ///   - horizon: waiting runs are included when their `wakeAt` is before it.
    ///   - waitingOnly: leaves out the runs that do not wait, for a sweep by an owner that knows those already.
    ///   - after: where the previous page ended; `nil` for the first page.
    ///   - limit: how many runs at most.
    /// - Returns: the runs; fewer than `limit` when there are no more.
    /// - Throws: `storeUnavailable`.
    func runnable(
        in shard: ShardID,
        before horizon: Instant,
        waitingOnly: Bool,
        after: RunID?,
        limit: Int
    ) async throws(CanoError) -> [StoredRun]
    /// An unfinished run with what resuming it needs; `nil` when there is none.
    func load(_ run: RunID) async throws(CanoError) -> StoredRun?
    /// Whether the outcome of this lease has been accepted: whether a record of the run carries its token.
    func hasOutcome(of token: Token, run: RunID, path: WorkPath) async throws(CanoError) -> Bool

    // MARK: Definitions

    /// Keeps a definition. The same name and version with another digest throws `definitionChanged`, naming both.
    func save(_ definition: Definition) async throws(CanoError)
    /// All definitions.
    func definitions() async throws(CanoError) -> [Definition]

    // MARK: Mail between shards

    /// Leaves a message for a shard's owner.
    func post(_ mail: [Mail]) async throws(CanoError)
    /// The messages of these shards that no commit has consumed yet, oldest first, up to `limit`.
    func mail(for shards: [ShardID], limit: Int) async throws(CanoError) -> [StoredMail]

    // MARK: Questions that people ask

    /// One run, finished or not; `nil` when there is none.
    func summary(of run: RunID) async throws(CanoError) -> RunSummary?
    /// The run that has this key; `nil` when the key is free.
    func run(forKey key: RunKey) async throws(CanoError) -> KeyedRun?
    /// Runs, newest first.
    func summaries(_ query: RunQuery) async throws(CanoError) -> [RunSummary]
    /// A run's records, in order, behind `after`, up to `limit`.
    func history(of run: RunID, after: Int, limit: Int) async throws(CanoError) -> [HistoryRow]
    /// Keeps a note of what an operator did.
    func record(_ audit: AuditEntry) async throws(CanoError)
    /// What operators did, newest first, up to `limit`.
    func audit(limit: Int) async throws(CanoError) -> [AuditEntry]

    // MARK: Upkeep

    /// Does what a store needs once in a while: makes room for what is to come, and forgets what ended long ago.
    ///
    /// A run is forgotten with its history and its key once it has been over for `retention`; `nil` forgets nothing. A
    /// store may keep it longer, until everything around it can go at once. Unfinished runs are never forgotten. It
    /// works in pieces that nobody else has to wait for long, so all of it may take long; when the task is cancelled
    /// it stops between two of them. Several hosts may call it at once.
    ///
    /// - Parameter retention: how long a run that is over is kept.
    /// - Returns: what was done.
    /// - Throws: `storeUnavailable`; what was not done is done the next time.
    func keepUp(retention: Span?) async throws(CanoError) -> Upkeep

    /// Closes connections and files; nothing is called afterwards.
    func close() async
}

extension RunStore {
    /// A store that keeps everything for ever and needs no upkeep.
    public func keepUp(retention: Span?) async throws(CanoError) -> Upkeep { Upkeep() }
}
