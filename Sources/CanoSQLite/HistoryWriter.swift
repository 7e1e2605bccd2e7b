// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import GRDB

/// Appends records to histories.
struct HistoryWriter {
    private let tails = RunTails()
    private let kindOfRow: SQLStatement
    private let deleteCursor: SQLStatement
    /// By how many rows they insert, the most first: a statement costs almost as much as a row.
    private let inserts: [(rows: Int, statement: SQLStatement)]
    private let insertOne: SQLStatement

    private static let sizes = [8, 4, 2]

    init(_ database: Database) throws {
        self.kindOfRow = try SQLStatement("SELECT kind FROM history WHERE run = ? AND seq = ?", in: database)
        self.deleteCursor = try SQLStatement(
            "DELETE FROM history WHERE run = ? AND seq = ? AND kind IN (14, 15)",
            in: database
        )
        self.inserts = try Self.sizes.map { ($0, try SQLStatement(Self.insert(rows: $0), in: database)) }
        self.insertOne = try SQLStatement(Self.insert(rows: 1), in: database)
    }

    /// Fails at once at a conflict: undoing the rows before it would cost a copy of every page, and the transaction is
    /// rolled back anyway.
    private static func insert(rows: Int) -> String {
        let row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        return "INSERT OR FAIL INTO history (\(RunReader.rowColumns)) VALUES "
            + Array(repeating: row, count: rows).joined(separator: ", ")
    }

    /// Appends records, which may follow each other.
    ///
    /// After a throw the transaction must be rolled back; which record is at fault is told by ``append(one:)``.
    func append(_ batch: [HistoryRow]) throws {
        // Looked at in place: a row has a dozen references, and each would be counted twice.
        let rows = batch.span
        var first = 0
        for (count, statement) in self.inserts {
            while rows.count - first >= count {
                for index in first..<first + count {
                    try self.check(rows[index].run, rows[index].seq, rows[index].kind)
                }
                for index in first..<first + count { self.bind(rows[index], to: statement) }
                try statement.run()
                first += count
            }
        }
        if first < rows.count { try self.append(one: rows[first]) }
        for index in 0..<first where rows[index].kind.isCursor { try self.deleteReplaced(rows[index]) }
    }

    /// Appends a record; one that is there already is named.
    func append(one row: HistoryRow) throws {
        try self.check(row.run, row.seq, row.kind)
        self.bind(row, to: self.insertOne)
        try self.insertOne.insert("record \(row.seq) of run \(row.run)")
        try self.deleteReplaced(row)
    }

    /// A predecessor that was not written lately is looked up, so that a gap is as impossible as a duplicate.
    private func check(_ run: RunID, _ seq: Int, _ kind: HistoryRow.Kind) throws {
        let previous = self.tails.advance(run, to: seq)
        if kind == .finished { self.tails.end(run) }
        guard seq > 1, previous != seq - 1 else { return }
        let stored = try self.kindOfRow.add(run).add(seq - 1).first { try $0.number() }
        guard let stored else { throw SQLiteProblem("record \(seq) of run \(run) follows none that is stored") }
        guard stored != Int64(HistoryRow.Kind.finished.rawValue) else {
            throw SQLiteProblem("run \(run) has ended")
        }
    }

    private func bind(_ row: HistoryRow, to statement: SQLStatement) {
        statement.add(row.run).add(row.seq).add(Int64(row.kind.rawValue)).add(row.at).add(row.state)
            .add(row.visit).add(row.path).add(row.attempt).add(row.token?.epoch.rawValue).add(row.token?.counter)
            .add(row.worker).add(row.startedAt).add(row.due).add(row.reason).add(row.detail).add(row.number)
            .add(row.split.map { Int64($0.lowerBound) }).add(row.split.map { Int64($0.upperBound) })
            .add(row.payload.map { Int64($0.type.rawValue) }).add(row.payload?.bytes)
    }

    private func deleteReplaced(_ row: HistoryRow) throws {
        if let replaced = row.replaced { try self.deleteCursor.add(row.run).add(replaced).run() }
    }

    /// The transaction is on disk.
    func commit() { self.tails.commit() }

    /// Something was not written after all.
    func forget() { self.tails.forget() }
}
