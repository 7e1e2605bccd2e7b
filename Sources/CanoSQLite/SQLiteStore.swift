// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine
import Dispatch
import GRDB

/// A store in one SQLite file, for one process at a time.
///
/// Everything that was answered is on disk (`synchronous=FULL`): it survives `kill -9` and a loss of power. Concurrent
/// commits share transactions. A second process that opens the same file is refused with `storeBusy`. The tables can
/// be read with `sqlite3` while the process runs: see the views `cano_runs`, `cano_timeline`, `cano_audit`,
/// `cano_schedules` and `cano_ticks`.
public final class SQLiteStore: RunStore, GatheringStore {
    private let path: String
    private let pool: DatabasePool
    private let commits: CommitQueue
    let clock: @Sendable () -> Instant
    private let lock: Guarded<FileLock?>

    private init(path: String, pool: DatabasePool, lock: FileLock, clock: @escaping @Sendable () -> Instant) {
        self.path = path
        self.pool = pool
        self.commits = CommitQueue(pool: pool, path: path, clock: clock)
        self.clock = clock
        self.lock = Guarded(lock)
    }

    /// Opens the file and brings its tables to this version; makes it, and the folders above it, when missing.
    ///
    /// - Parameters:
    ///   - path: where the file is. A lock file and SQLite's own files lie beside it.
    ///   - clock: the time that the store calls its own (default: the system's wall clock).
    /// - Returns: the open store; call ``close()`` when done.
    /// - Throws: ``CanoError`` with `storeBusy` when a process has it open already, `schemaTooNew` when a newer version
    ///   wrote it, `storeCorrupt` when it is no database of ours, `storeUnavailable` when it cannot be read or written.
    public static func open(
        path: String,
        clock: @escaping @Sendable () -> Instant = SystemTime.now
    ) async throws(CanoError) -> SQLiteStore {
        try await Self.open(path: path, clock: clock, preallocating: DatabaseFile.logBytes)
    }

    /// Opens the file with a log that has this size from the start; tests need none.
    package static func open(
        path: String,
        clock: @escaping @Sendable () -> Instant,
        preallocating logBytes: Int
    ) async throws(CanoError) -> SQLiteStore {
        try await Self.blocking { () throws(CanoError) -> SQLiteStore in
            let lock = try DatabaseFile.prepare(path: path)
            do {
                let pool = try DatabaseFile.open(path: path, preallocating: logBytes)
                return SQLiteStore(path: path, pool: pool, lock: lock, clock: clock)
            } catch let error as CanoError {
                throw error
            } catch {
                throw SQLiteProblem(error).error(path: path)
            }
        }
    }

    /// Waits for what is being written, closes the file and gives up the lock.
    public func close() async {
        await self.commits.close()
        let isClosed = await withCheckedContinuation { continuation in
            DispatchQueue(label: "cano.sqlite.close")
                .async {
                    continuation.resume(returning: (try? self.pool.close()) != nil)
                }
        }
        // A file that is still open keeps its lock until the process ends.
        if isClosed { self.lock.withLock { $0 = nil } }
    }

    /// Runs a call that blocks on a thread of its own kind.
    private static func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(CanoError) -> Value
    ) async throws(CanoError) -> Value {
        let result: Result<Value, CanoError> = await withCheckedContinuation { continuation in
            DispatchQueue(label: "cano.sqlite.open")
                .async {
                    continuation.resume(returning: Result { () throws(CanoError) in try body() })
                }
        }
        return try result.get()
    }

    /// Runs `body` in a transaction of its own on the writer's queue.
    ///
    /// Cancelling the task does not stop it.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(CanoError) -> Value {
        let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
            self.pool.asyncWriteWithoutTransaction { database in
                let result: Result<Value, any Error> = Result {
                    var value: Value?
                    try database.inTransaction(.immediate) {
                        value = try body(database)
                        return .commit
                    }
                    guard let value else { throw SQLiteProblem("a transaction ended without its value") }
                    return value
                }
                continuation.resume(returning: result)
            }
        }
        return try self.value(of: result)
    }

    /// Runs `body` on a reader's queue, beside the writer.
    ///
    /// Cancelling the task does not stop it.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (RunReader) throws -> Value
    ) async throws(CanoError) -> Value {
        let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
            self.pool.asyncRead { database in
                continuation.resume(returning: Result { try body(RunReader(try database.get())) })
            }
        }
        return try self.value(of: result)
    }

    private func value<Value>(of result: Result<Value, any Error>) throws(CanoError) -> Value {
        switch result {
        case .success(let value): return value
        case .failure(let error as CanoError): throw error
        case .failure(let error): throw SQLiteProblem(error).error(path: self.path)
        }
    }
}

// MARK: - Ownership

extension SQLiteStore {
    /// See ``RunStore/now()``.
    public func now() async -> Instant { self.clock() }

    /// See ``RunStore/shards()``.
    public func shards() async throws(CanoError) -> [ShardLease] {
        let now = self.clock()
        return try await self.read { try ShardTable($0.database).all(at: now) }
    }

    /// See ``RunStore/take(_:for:ttl:)``.
    public func take(
        _ claims: [ShardClaim],
        for host: HostID,
        ttl: Span
    ) async throws(CanoError) -> [ShardID: Epoch] {
        try await self.write { database in
            try ShardTable(database).take(claims, for: host, until: self.clock().advanced(by: ttl))
        }
    }

    /// See ``RunStore/renew(_:for:ttl:)``.
    public func renew(
        _ held: [ShardID: Epoch],
        for host: HostID,
        ttl: Span
    ) async throws(CanoError) -> Set<ShardID> {
        try await self.write { database in
            let now = self.clock()
            return try ShardTable(database).renew(held, for: host, until: now.advanced(by: ttl), at: now)
        }
    }

    /// See ``RunStore/release(_:for:)``.
    public func release(_ held: [ShardID: Epoch], for host: HostID) async throws(CanoError) {
        try await self.write { try ShardTable($0).release(held, for: host) }
    }
}

// MARK: - Runs

extension SQLiteStore {
    /// See ``RunStore/commit(_:)``.
    public func commit(_ batches: [ShardBatch]) async -> CommitOutcome {
        await withCheckedContinuation { continuation in
            self.commit(batches) { continuation.resume(returning: $0) }
        }
    }

    /// See ``GatheringStore/commit(_:then:)``.
    package func commit(_ batches: [ShardBatch], then: @escaping @Sendable (CommitOutcome) -> Void) {
        if let shard = ShardBatch.repeated(in: batches) { return then(ShardBatch.refusal(ofRepeated: shard)) }
        self.commits.commit(batches, then: then)
    }

    /// See ``RunStore/runnable(in:before:waitingOnly:after:limit:)``.
    public func runnable(
        in shard: ShardID,
        before horizon: Instant,
        waitingOnly: Bool,
        after: RunID?,
        limit: Int
    ) async throws(CanoError) -> [StoredRun] {
        try await self.read {
            try $0.runnable(in: shard, before: horizon, waitingOnly: waitingOnly, after: after, limit: limit)
        }
    }

    /// See ``RunStore/load(_:)``.
    public func load(_ run: RunID) async throws(CanoError) -> StoredRun? {
        try await self.read { try $0.load(run) }
    }

    /// See ``RunStore/hasOutcome(of:run:path:)``.
    public func hasOutcome(of token: Token, run: RunID, path: WorkPath) async throws(CanoError) -> Bool {
        try await self.read { try $0.hasOutcome(of: token, run: run, path: path) }
    }
}

// MARK: - Definitions and mail

extension SQLiteStore {
    /// See ``RunStore/save(_:)``.
    public func save(_ definition: Definition) async throws(CanoError) {
        try await self.write { try DefinitionTable($0).save(definition, at: self.clock()) }
    }

    /// See ``RunStore/definitions()``; in order of names and versions.
    public func definitions() async throws(CanoError) -> [Definition] {
        try await self.read { try DefinitionTable($0.database).all() }
    }

    /// See ``RunStore/post(_:)``.
    public func post(_ mail: [Mail]) async throws(CanoError) {
        try await self.write { try CommitWriter($0).post(mail) }
    }

    /// See ``RunStore/mail(for:limit:)``.
    public func mail(for shards: [ShardID], limit: Int) async throws(CanoError) -> [StoredMail] {
        try await self.read { try $0.mail(for: shards, limit: limit) }
    }
}

// MARK: - Questions that people ask

extension SQLiteStore {
    /// See ``RunStore/summary(of:)``.
    public func summary(of run: RunID) async throws(CanoError) -> RunSummary? {
        try await self.read { try $0.summary(of: run) }
    }

    /// See ``RunStore/run(forKey:)``.
    public func run(forKey key: RunKey) async throws(CanoError) -> KeyedRun? {
        try await self.read { try $0.run(forKey: key) }
    }

    /// See ``RunStore/summaries(_:)``.
    public func summaries(_ query: RunQuery) async throws(CanoError) -> [RunSummary] {
        try await self.read { try $0.summaries(query) }
    }

    /// See ``RunStore/history(of:after:limit:)``.
    public func history(of run: RunID, after: Int, limit: Int) async throws(CanoError) -> [HistoryRow] {
        try await self.read { try $0.history(of: run, after: after, limit: limit) }
    }

    /// See ``RunStore/record(_:)``.
    public func record(_ audit: AuditEntry) async throws(CanoError) {
        try await self.write { try CommitWriter($0).note(audit) }
    }

    /// See ``RunStore/audit(limit:)``.
    public func audit(limit: Int) async throws(CanoError) -> [AuditEntry] {
        try await self.read { try $0.audit(limit: limit) }
    }
}
