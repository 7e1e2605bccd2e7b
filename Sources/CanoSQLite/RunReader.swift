// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import GRDB

/// Reads runs and their records on one connection.
struct RunReader {
    static let rowColumns = """
        run, seq, kind, at, state, visit, path, attempt, epoch, counter, worker, started_at, due, reason, detail, \
        number, split_first, split_last, payload_type, payload
        """
    private static let startColumns = """
        id, workflow, version, key, input_hash, seed, started_at, deadline, status, wake_at
        """
    static let keyOwner = "SELECT run, input_hash FROM run_key WHERE workflow = ? AND key = ?"

    let database: Database

    init(_ database: Database) {
        self.database = database
    }

    private func statement(_ sql: String) throws -> SQLStatement {
        try SQLStatement(sql, in: self.database)
    }
}

// MARK: - Unfinished runs

extension RunReader {
    func runnable(
        in shard: ShardID,
        before horizon: Instant,
        waitingOnly: Bool,
        after: RunID?,
        limit: Int
    ) throws -> [StoredRun] {
        let ready = try self.statement(
            "SELECT id FROM run WHERE shard = ? AND status IN (1, 3) AND id > ? ORDER BY id LIMIT ?"
        )
        let due = try self.statement(
            "SELECT id FROM run WHERE shard = ? AND status IN (2, 4) AND wake_at < ? AND id > ? ORDER BY id LIMIT ?"
        )
        let after = after ?? RunID(high: 0, low: 0)
        let limit = max(0, limit)
        let number = Int(shard.rawValue)
        var runs: [RunID] = []
        if !waitingOnly { runs = try ready.add(number).add(after).add(limit).all { try $0.runID() } }
        runs += try due.add(number).add(horizon).add(after).add(limit).all { try $0.runID() }
        return try runs.sorted().prefix(limit).compactMap { try self.load($0) }
    }

    /// Reads the history backwards from its end to the last record where a run begins anew, never all of it.
    func load(_ run: RunID) throws -> StoredRun? {
        let own = try self.statement("SELECT \(Self.startColumns) FROM run WHERE id = ?")
        guard let start = try own.add(run).first(Self.start) else { return nil }
        var tail = try self.tail(of: run)
        guard let entry = tail.popLast(), entry.kind.isEntry else {
            throw SQLiteProblem(corrupt: "run \(run) has no record of a state that it entered")
        }
        tail.append(entry)
        tail.reverse()
        let pushes = try self.statement(
            "SELECT \(Self.rowColumns) FROM history WHERE run = ? AND seq < ? AND kind = 9 ORDER BY seq"
        )
        var stored = StoredRun(start: start, tail: tail)
        stored.pushes = try pushes.add(run).add(entry.seq).all(Self.row)
        if let split = entry.split {
            let branches = try self.statement(
                """
                SELECT \(Self.rowColumns) FROM history
                WHERE run = ? AND seq BETWEEN ? AND ? AND kind IN (4, 20, 22) ORDER BY seq
                """
            )
            stored.branches = try branches.add(run).add(split.lowerBound).add(split.upperBound).all(Self.row)
        }
        let signal = try self.statement("SELECT \(Self.rowColumns) FROM history WHERE run = ? AND seq = ?")
        for seq in entry.knownSignals {
            if let row = try signal.add(run).add(seq).first(Self.row) { stored.signals.append(row) }
        }
        return stored
    }

    private func tail(of run: RunID) throws -> [HistoryRow] {
        let backwards = try self.statement(
            "SELECT \(Self.rowColumns) FROM history WHERE run = ? ORDER BY seq DESC"
        )
        var isComplete = false
        return try backwards.add(run)
            .all { columns in
                guard !isComplete else { return nil }
                let row = try Self.row(columns)
                isComplete = row.kind.isEntry
                return row
            }
    }

    func hasOutcome(of token: Token, run: RunID, path: WorkPath) throws -> Bool {
        let found = try self.statement(
            """
            SELECT 1 FROM history WHERE run = ? AND epoch = ? AND counter = ? AND kind IN (2, 3, 4, 6, 9, 11, 13, 14, 21)
              AND (path IS NULL OR path = ?) LIMIT 1
            """
        )
        found.add(run).add(token.epoch.rawValue).add(token.counter).add(path.description)
        return try found.first { try $0.number() } != nil
    }
}

// MARK: - Questions that people ask

extension RunReader {
    private static let live = """
        SELECT id, workflow, version, key, status, started_at, NULL, wake_at, note FROM run
        """
    private static let ended = """
        SELECT id, workflow, version, key, status, started_at, finished_at, NULL, note FROM run_finished
        """

    func summary(of run: RunID) throws -> RunSummary? {
        let both = try self.statement("\(Self.live) WHERE id = ?1 UNION ALL \(Self.ended) WHERE id = ?1")
        return try both.add(run).first(Self.summary)
    }

    func run(forKey key: RunKey) throws -> KeyedRun? {
        try self.statement(Self.keyOwner).add(key.workflow).add(key.key).first(Self.keyedRun)
    }

    /// Newest first.
    ///
    /// A filter that is not set is left out, so that SQLite plans for the filters that are.
    func summaries(_ query: RunQuery) throws -> [RunSummary] {
        var filter = "WHERE ?1 IS ?1 AND ?2 IS ?2 AND ?3 IS ?3"
        if query.before != nil { filter += " AND id < ?1" }
        if query.workflow != nil { filter += " AND workflow = ?2" }
        if let status = query.status {
            filter += " AND status = ?3"
            // The index of unsuccessful ends is found only when the text says so.
            if status.isFinished && status != .succeeded { filter += " AND status > 10" }
        }
        let wanted = [(Self.live, false), (Self.ended, true)]
            .filter { query.status == nil || query.status?.isFinished == $0.1 }
            .map { "\($0.0) \(filter)" }
        let found = try self.statement(wanted.joined(separator: " UNION ALL ") + " ORDER BY 1 DESC LIMIT ?4")
        if let before = query.before { found.add(before) } else { found.add(nil as Int64?) }
        found.add(query.workflow).add(query.status.map { Int64($0.rawValue) }).add(max(0, query.limit))
        return try found.all(Self.summary)
    }

    func history(of run: RunID, after: Int, limit: Int) throws -> [HistoryRow] {
        let page = try self.statement(
            "SELECT \(Self.rowColumns) FROM history WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?"
        )
        return try page.add(run).add(after).add(max(0, limit)).all(Self.row)
    }

    func audit(limit: Int) throws -> [AuditEntry] {
        let newest = try self.statement(
            "SELECT at, actor, via, action, target, before, after FROM audit ORDER BY id DESC LIMIT ?"
        )
        return try newest.add(max(0, limit))
            .all { columns in
                AuditEntry(
                    at: try columns.time(),
                    actor: try columns.text(),
                    via: try columns.text(),
                    action: try columns.text(),
                    target: try columns.text(),
                    before: columns.string(),
                    after: columns.string()
                )
            }
    }

    /// The oldest messages of these shards.
    func mail(for shards: [ShardID], limit: Int) throws -> [StoredMail] {
        let waiting = try self.statement(
            // What only a newer version knows waits for an owner of that version.
            """
            SELECT id, shard, kind, run, actor, payload FROM inbox
            WHERE shard = ? AND kind IN (\(MailRow.knownKinds)) ORDER BY id LIMIT ?
            """
        )
        let limit = max(0, limit)
        let found = try Set(shards)
            .flatMap { shard in
                try waiting.add(Int(shard.rawValue)).add(limit).all(Self.mail)
            }
        return Array(found.sorted { $0.id < $1.id }.prefix(limit))
    }
}

// MARK: - From columns to values

extension RunReader {
    private static func start(_ columns: SQLStatement) throws -> RunStart {
        RunStart(
            run: try columns.runID(),
            definition: DefinitionKey(name: try columns.text(), version: try columns.int()),
            key: columns.string(),
            inputHash: try columns.number(),
            seed: UInt64(bitPattern: try columns.number()),
            at: try columns.time(),
            deadline: columns.instant(),
            status: try Self.status(columns),
            wakeAt: columns.instant()
        )
    }

    private static func status(_ columns: SQLStatement) throws -> RunStatus {
        guard let status = RunStatus(rawValue: Int16(truncatingIfNeeded: try columns.number())) else {
            throw columns.unreadable
        }
        return status
    }

    private static func summary(_ columns: SQLStatement) throws -> RunSummary {
        RunSummary(
            run: try columns.runID(),
            definition: DefinitionKey(name: try columns.text(), version: try columns.int()),
            key: columns.string(),
            status: try Self.status(columns),
            startedAt: try columns.time(),
            finishedAt: columns.instant(),
            wakeAt: columns.instant(),
            note: columns.string()
        )
    }

    static func keyedRun(_ columns: SQLStatement) throws -> KeyedRun {
        KeyedRun(run: try columns.runID(), inputHash: try columns.number())
    }

    private static func mail(_ columns: SQLStatement) throws -> StoredMail? {
        let id = try columns.number()
        let shard = ShardID(rawValue: UInt8(truncatingIfNeeded: try columns.number()))
        let kind = Int16(truncatingIfNeeded: try columns.number())
        let row = MailRow(
            shard: shard,
            kind: kind,
            run: try columns.runID(),
            sender: try columns.text(),
            payload: columns.bytes()
        )
        return try row.mail().map { StoredMail(id: id, mail: $0) }
    }

    private static func row(_ columns: SQLStatement) throws -> HistoryRow {
        let run = try columns.runID()
        let seq = try columns.int()
        guard let kind = HistoryRow.Kind(rawValue: Int16(truncatingIfNeeded: try columns.number())) else {
            throw columns.unreadable
        }
        var row = HistoryRow(run: run, seq: seq, kind: kind, at: try columns.time())
        row.state = columns.string()
        row.visit = try columns.int()
        row.path = columns.string()
        row.attempt = try columns.int()
        let token = (columns.int64(), columns.int64())
        if case (let epoch?, let counter?) = token {
            row.token = Token(epoch: Epoch(rawValue: epoch), counter: counter)
        }
        row.worker = columns.string()
        row.startedAt = columns.instant()
        row.due = columns.instant()
        row.reason = columns.string()
        row.detail = columns.string()
        row.number = columns.int64()
        let split = (columns.int64(), columns.int64())
        if case (let first?, let last?) = split {
            guard first <= last else { throw columns.unreadable }
            row.split = Int(first)...Int(last)
        }
        if let type = columns.int64() {
            guard let type = Payload.ContentType(rawValue: UInt8(truncatingIfNeeded: type)) else {
                throw columns.unreadable
            }
            row.payload = Payload(bytes: columns.bytes(), type: type)
        }
        return row
    }
}
