// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import GRDB
import GRDBSQLite

/// Group commit: calls that arrive while a transaction runs share the next one, and each gets its own answer.
final class CommitQueue: Sendable {
    private struct Call: Sendable {
        var batches: [ShardBatch]
        var then: @Sendable (CommitOutcome) -> Void
    }

    private struct State: Sendable {
        var waiting: [Call] = []
        /// Whether a transaction runs or is about to, which will look here again when it ends.
        var isDraining = false
    }

    /// How many rows share a transaction, roughly: what waits behind them gets the next one.
    private static let rowsPerTransaction = 20_000

    private let state = Guarded(State())
    private let pool: DatabasePool
    private let path: String
    private let clock: @Sendable () -> Instant
    private let desk = Desk()

    /// The statements of the writer.
    private final class Desk: @unchecked Sendable {
        // @unchecked: only the writer's queue touches it.
        private var writer: CommitWriter?
        private var isClosed = false

        func writer(of database: Database) throws -> CommitWriter {
            if let writer { return writer }
            let writer = try CommitWriter(database)
            if !self.isClosed { self.writer = writer }
            return writer
        }

        /// A connection with statements cannot be closed: from here on none is kept.
        func close() {
            self.writer = nil
            self.isClosed = true
        }
    }

    init(pool: DatabasePool, path: String, clock: @escaping @Sendable () -> Instant) {
        self.pool = pool
        self.path = path
        self.clock = clock
    }

    func commit(_ batches: [ShardBatch], then: @escaping @Sendable (CommitOutcome) -> Void) {
        let isFirst = self.state.withLock { state in
            state.waiting.append(Call(batches: batches, then: then))
            defer { state.isDraining = true }
            return !state.isDraining
        }
        if isFirst { self.schedule() }
    }

    /// Gives up the statements, so that the writer's connection can be closed.
    func close() async {
        await withCheckedContinuation { done in
            // Behind every commit that was called before.
            self.pool.asyncWriteWithoutTransaction { _ in
                self.desk.close()
                done.resume()
            }
        }
    }

    private func schedule() {
        self.pool.asyncWriteWithoutTransaction { database in self.drain(database) }
    }

    /// One transaction for all that waits.
    ///
    /// Other writers get their turn before the next one.
    private func drain(_ database: Database) {
        let calls = self.next()
        let outcomes = self.transact(calls.map(\.batches), database)
        for (call, outcome) in zip(calls, outcomes) { call.then(outcome) }
        let isMore = self.state.withLock { state in
            state.isDraining = !state.waiting.isEmpty
            return state.isDraining
        }
        if isMore { self.schedule() }
    }

    private func next() -> [Call] {
        self.state.withLock { state in
            var rows = 0
            let end = state.waiting.firstIndex { call in
                defer { rows += call.batches.reduce(0) { $0 + $1.rowCount } }
                return rows >= Self.rowsPerTransaction
            }
            let calls = Array(state.waiting[..<(end ?? state.waiting.count)])
            state.waiting.removeFirst(calls.count)
            return calls
        }
    }

    /// Writes all commits in one transaction; a second time, each batch apart, when one of them is refused.
    private func transact(_ commits: [[ShardBatch]], _ database: Database) -> [CommitOutcome] {
        do {
            return try self.transact(commits, database) { try $0.write($1, at: $2) }
        } catch {
            guard SQLiteProblem(error).isContradiction else { return self.failures(of: commits, error, database) }
        }
        do {
            return try self.transact(commits, database) { try $0.writeApart($1, at: $2, database) }
        } catch {
            return self.failures(of: commits, error, database)
        }
    }

    private func transact(
        _ commits: [[ShardBatch]],
        _ database: Database,
        _ write: (CommitWriter, [ShardBatch], Instant) throws -> CommitAnswer
    ) throws -> [CommitOutcome] {
        var answers: [CommitAnswer] = []
        var isComplete = false
        do {
            let writer = try self.desk.writer(of: database)
            try writer.transact(in: database) {
                let now = self.clock()
                for batches in commits { answers.append(try write(writer, batches, now)) }
                isComplete = true
            }
        } catch {
            // When the COMMIT itself breaks off, the log may or may not have it after the next start.
            let problem = SQLiteProblem(error)
            guard isComplete && problem.code == SQLITE_IOERR else { throw error }
            return commits.map { _ in .unknown(problem.error(path: self.path).message) }
        }
        return answers.map(CommitOutcome.answered)
    }

    /// How a transaction failed; one that blames what is in it is tried again, each commit by itself, so that only the
    /// culprit fails.
    private func failures(of commits: [[ShardBatch]], _ error: any Error, _ database: Database) -> [CommitOutcome] {
        let failure = SQLiteProblem(error).error(path: self.path)
        if failure.code == .storeCorrupt, commits.count > 1 {
            return commits.flatMap { self.transact([$0], database) }
        }
        return commits.map { _ in .failed(failure.code, failure.message) }
    }
}

extension ShardBatch {
    /// How many rows it writes, roughly.
    fileprivate var rowCount: Int {
        self.starts.count + self.history.count + self.updates.count + self.finished.count + self.mail.count
    }
}
