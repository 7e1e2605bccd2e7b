// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import GRDB
import GRDBSQLite

/// Writes the batches of one commit, in a transaction of theirs.
///
/// Made once for a connection, with all its statements prepared.
struct CommitWriter {
    private let begin: SQLStatement
    private let commit: SQLStatement
    private let rollback: SQLStatement
    private let history: HistoryWriter
    private let epoch: SQLStatement
    private let claimKey: SQLStatement
    private let keyOwner: SQLStatement
    private let insertRun: SQLStatement
    private let insertFinished: SQLStatement
    private let updateRun: SQLStatement
    private let moveRun: SQLStatement
    private let deleteRun: SQLStatement
    private let insertMail: SQLStatement
    private let deleteMail: SQLStatement
    private let insertAudit: SQLStatement

    init(_ database: Database) throws {
        self.begin = try SQLStatement("BEGIN IMMEDIATE", in: database)
        self.commit = try SQLStatement("COMMIT", in: database)
        self.rollback = try SQLStatement("ROLLBACK", in: database)
        self.history = try HistoryWriter(database)
        self.epoch = try SQLStatement("SELECT epoch FROM shard WHERE shard = ?", in: database)
        self.claimKey = try SQLStatement(
            "INSERT INTO run_key (workflow, key, run, input_hash) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            in: database
        )
        self.keyOwner = try SQLStatement(RunReader.keyOwner, in: database)
        self.insertRun = try SQLStatement(
            """
            INSERT INTO run (id, shard, workflow, version, key, input_hash, seed, started_at, deadline, status, wake_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            in: database
        )
        self.insertFinished = try SQLStatement(
            """
            INSERT INTO run_finished (id, workflow, version, key, started_at, status, finished_at, note)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            in: database
        )
        self.updateRun = try SQLStatement(
            "UPDATE run SET status = ?, wake_at = ?, note = ?, version = coalesce(?, version) WHERE id = ?",
            in: database
        )
        self.moveRun = try SQLStatement(
            """
            INSERT INTO run_finished (id, workflow, version, key, started_at, status, finished_at, note)
            SELECT id, workflow, version, key, started_at, ?, ?, ? FROM run WHERE id = ?
            """,
            in: database
        )
        self.deleteRun = try SQLStatement("DELETE FROM run WHERE id = ?", in: database)
        self.insertMail = try SQLStatement(
            "INSERT INTO inbox (shard, kind, run, actor, payload) VALUES (?, ?, ?, ?, ?)",
            in: database
        )
        self.deleteMail = try SQLStatement("DELETE FROM inbox WHERE id = ? AND shard = ?", in: database)
        self.insertAudit = try SQLStatement(
            "INSERT INTO audit (at, actor, via, action, target, before, after) VALUES (?, ?, ?, ?, ?, ?, ?)",
            in: database
        )
    }
}

// MARK: - A commit

extension CommitWriter {
    /// Runs `body` in a transaction, which is rolled back when anything fails.
    func transact(in database: Database, _ body: () throws -> Void) throws {
        try self.begin.run()
        do {
            try body()
            try self.commit.run()
            self.history.commit()
        } catch {
            self.history.forget()
            // SQLite may have rolled back by itself; what fails here as well was never written.
            if database.isInsideTransaction { _ = try? self.rollback.run() }
            throw error
        }
    }

    /// Writes what passes the fence.
    ///
    /// After a throw the transaction must be rolled back: a batch may have been written in part.
    func write(_ batches: [ShardBatch], at now: Instant) throws -> CommitAnswer {
        var answer = CommitAnswer(now: now)
        for batch in batches { try self.write(batch, into: &answer) }
        return answer
    }

    /// Writes what passes the fence and cannot be refused, each batch in a savepoint of its own.
    ///
    /// That costs a copy of every page, so it is only done once a batch is known to be refused.
    func writeApart(_ batches: [ShardBatch], at now: Instant, _ database: Database) throws -> CommitAnswer {
        var answer = CommitAnswer(now: now)
        for batch in batches {
            let before = answer
            do {
                try database.inSavepoint {
                    try self.write(batch, into: &answer, isCareful: true)
                    return .commit
                }
            } catch {
                self.history.forget()
                let problem = SQLiteProblem(error)
                guard problem.isContradiction else { throw problem }
                answer = before
                answer.contradicted[batch.shard] = Contradiction(.storeCorrupt, problem.message)
            }
        }
        return answer
    }

    private func write(_ batch: ShardBatch, into answer: inout CommitAnswer, isCareful: Bool = false) throws {
        if let problem = batch.problem() {
            answer.contradicted[batch.shard] = Contradiction(.invalidInput, problem)
        } else if try self.passes(batch) {
            try self.write(batch, refused: &answer.refused, isCareful: isCareful)
        } else {
            answer.stale.insert(batch.shard)
        }
    }

    /// Whether the epoch holds.
    ///
    /// Nobody owns a shard that was never taken.
    private func passes(_ batch: ShardBatch) throws -> Bool {
        let stored = try self.epoch.add(Int(batch.shard.rawValue)).first { try $0.number() }
        return batch.epoch.rawValue > 0 && stored == batch.epoch.rawValue
    }

    private func write(_ batch: ShardBatch, refused: inout [RunID: KeyedRun], isCareful: Bool) throws {
        // A run that begins and ends in one batch goes straight to the finished ones.
        let ends = batch.starts.isEmpty ? [:] : Dictionary(uniqueKeysWithValues: batch.finished.map { ($0.run, $0) })
        var brief: Set<RunID> = []
        for start in batch.starts {
            if let key = start.runKey, let owner = try self.owner(of: key, claimedBy: start) {
                refused[start.run] = owner
            } else if let finish = ends[start.run] {
                try self.insert(start, finish)
                brief.insert(start.run)
            } else {
                try self.insert(start)
            }
        }
        if refused.isEmpty, !isCareful {
            try self.history.append(batch.history)
        } else {
            for row in batch.history where refused[row.run] == nil { try self.history.append(one: row) }
        }
        for update in batch.updates where refused[update.run] == nil && !brief.contains(update.run) {
            self.updateRun.add(Int64(update.status.rawValue)).add(update.wakeAt).add(update.note)
                .add(update.version.map(Int64.init)).add(update.run)
            guard try self.updateRun.run() == 1 else { throw self.notUnfinished(update.run) }
        }
        for finish in batch.finished where refused[finish.run] == nil && !brief.contains(finish.run) {
            self.moveRun.add(Int64(finish.status.rawValue)).add(finish.at).add(finish.note).add(finish.run)
            guard try self.moveRun.run() == 1 else { throw self.notUnfinished(finish.run) }
            try self.deleteRun.add(finish.run).run()
        }
        try self.post(batch.mail)
        for id in batch.consumed { try self.deleteMail.add(id).add(Int(batch.shard.rawValue)).run() }
        for entry in batch.audit { try self.note(entry.corrected(for: refused)) }
    }

    /// Claims the key for the start; the run that has it already, or `nil` when the claim was granted.
    private func owner(of key: RunKey, claimedBy start: RunStart) throws -> KeyedRun? {
        self.claimKey.add(key.workflow).add(key.key).add(start.run).add(start.inputHash)
        guard try self.claimKey.run() == 0 else { return nil }
        return try self.keyOwner.add(key.workflow).add(key.key).first(RunReader.keyedRun)
    }

    private func notUnfinished(_ run: RunID) -> SQLiteProblem {
        SQLiteProblem("run \(run) is not among the unfinished runs")
    }
}

// MARK: - Rows

extension CommitWriter {
    private func insert(_ start: RunStart) throws {
        self.insertRun.add(start.run).add(Int(start.run.shard.rawValue)).add(start.definition.name)
            .add(start.definition.version).add(start.key).add(start.inputHash).add(Int64(bitPattern: start.seed))
            .add(start.at).add(start.deadline).add(Int64(start.status.rawValue)).add(start.wakeAt)
        try self.insertRun.insert("run \(start.run)")
    }

    private func insert(_ start: RunStart, _ finish: RunFinish) throws {
        self.insertFinished.add(start.run).add(start.definition.name).add(start.definition.version).add(start.key)
            .add(start.at).add(Int64(finish.status.rawValue)).add(finish.at).add(finish.note)
        try self.insertFinished.insert("run \(start.run)")
    }

    func post(_ mail: [Mail]) throws {
        for message in mail {
            let row = MailRow(message)
            self.insertMail.add(Int(row.shard.rawValue)).add(Int64(row.kind)).add(row.run).add(row.sender)
                .add(row.payload)
            try self.insertMail.run()
        }
    }

    func note(_ entry: AuditEntry) throws {
        self.insertAudit.add(entry.at).add(entry.actor).add(entry.via).add(entry.action).add(entry.target)
            .add(entry.before).add(entry.after)
        try self.insertAudit.run()
    }
}
