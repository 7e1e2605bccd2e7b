// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What schedules remember, as JSON that people can read, and the ledger of their ticks.
struct ScheduleTable {
    private let database: Database

    init(_ database: Database) {
        self.database = database
    }

    func all() throws -> [String: Schedule.State] {
        let rows = try SQLStatement("SELECT name, state FROM schedule", in: self.database)
        let decoder = JSONDecoder()
        let states = try rows.all { columns -> (name: String, state: Schedule.State)? in
            let name = try columns.text()
            let text = try columns.text()
            do {
                let state = try decoder.decode(Schedule.State.self, from: Data(text.utf8))
                return (name, state)
            } catch {
                throw columns.unreadable
            }
        }
        return Dictionary(states.map { ($0.name, $0.state) }) { first, _ in first }
    }

    func save(_ changes: [ScheduleChange], at now: Instant) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for change in changes {
            if let state = change.state {
                let json = String(decoding: try encoder.encode(state), as: UTF8.self)
                try SQLStatement(
                    """
                    INSERT INTO schedule (name, state, saved_at) VALUES (?, ?, ?)
                    ON CONFLICT (name) DO UPDATE SET state = excluded.state, saved_at = excluded.saved_at
                    """,
                    in: self.database
                )
                .add(change.name).add(json).add(now).run()
            } else {
                try SQLStatement("DELETE FROM schedule WHERE name = ?", in: self.database).add(change.name).run()
            }
            for row in change.rows { try self.add(row) }
        }
    }

    func ticks(of schedule: String, limit: Int) throws -> [TickRow] {
        let rows = try SQLStatement(
            """
            SELECT schedule, kind, first, last, count, outcome, at, revision, editions FROM tick
            WHERE schedule = ? ORDER BY id DESC LIMIT ?
            """,
            in: self.database
        )
        return try rows.add(schedule).add(max(0, limit)).all { try Self.row($0) }
    }

    private func add(_ row: TickRow) throws {
        let insert = try SQLStatement(
            """
            INSERT INTO tick (schedule, kind, first, last, count, outcome, at, revision, editions)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            in: self.database
        )
        insert.add(row.schedule).add(row.kind.rawValue).add(row.first).add(row.last).add(row.count)
        insert.add(row.outcome.rawValue).add(row.at).add(row.revision).add(row.editions.joined(separator: " "))
        try insert.run()
    }

    private static func row(_ columns: SQLStatement) throws -> TickRow {
        let schedule = try columns.text()
        guard let kind = TickID.Kind(rawValue: try columns.text()) else { throw columns.unreadable }
        let (first, last, count) = (try columns.time(), try columns.time(), try columns.int())
        guard let outcome = TickOutcome(rawValue: try columns.text()) else { throw columns.unreadable }
        return TickRow(
            schedule: schedule,
            kind: kind,
            first: first,
            last: last,
            count: count,
            outcome: outcome,
            at: try columns.time(),
            revision: try columns.int(),
            editions: try columns.text().split(separator: " ").map { String($0) }
        )
    }
}
