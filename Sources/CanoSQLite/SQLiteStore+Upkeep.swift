// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine
import GRDB

extension SQLiteStore {
    /// How many rows of the history one transaction deletes: what commits have to wait for.
    private static let rowsAtOnce = 2000
    /// How many runs are looked up at once.
    private static let runsAtOnce = 500

    /// See ``RunStore/keepUp(retention:)``; the file does not shrink, its free pages are used again.
    public func keepUp(retention: Span?) async throws(CanoError) -> Upkeep {
        var upkeep = Upkeep()
        guard let retention else { return upkeep }
        let before = await self.now().preceded(by: retention)
        var last = RunID(high: 0, low: 0)
        while !Task.isCancelled {
            let after = last
            var runs = try await self.read { reader in
                try RunForgetter(reader.database).due(before: before, after: after, limit: Self.runsAtOnce)
            }
            guard let end = runs.last else { break }
            last = end
            while !runs.isEmpty, !Task.isCancelled {
                let page = runs
                let done = try await self.write { try RunForgetter($0).forget(page, rows: Self.rowsAtOnce) }
                upkeep.forgotten += done
                runs.removeFirst(done)
            }
        }
        return upkeep
    }
}

/// Deletes runs that are over.
private struct RunForgetter {
    private let database: Database

    init(_ database: Database) {
        self.database = database
    }

    /// Runs that ended before an instant, in order of their ids.
    ///
    /// They were made before it too, so newer ids are not looked at.
    func due(before: Instant, after: RunID, limit: Int) throws -> [RunID] {
        let due = try SQLStatement(
            "SELECT id FROM run_finished WHERE id > ? AND id < ? AND finished_at < ? ORDER BY id LIMIT ?",
            in: self.database
        )
        return try due.add(after).add(RunID.first(at: before)).add(before).add(limit).all { try $0.runID() }
    }

    /// Forgets runs from the first one on and says how many are gone.
    ///
    /// It stops after so many rows of their histories, perhaps in the middle of one, whose rest is deleted the next
    /// time: its row is deleted last.
    func forget(_ runs: [RunID], rows: Int) throws -> Int {
        let history = try SQLStatement(
            """
            DELETE FROM history WHERE run = ?1 AND seq IN (SELECT seq FROM history WHERE run = ?1 ORDER BY seq LIMIT ?2)
            """,
            in: self.database
        )
        let key = try SQLStatement(
            """
            DELETE FROM run_key WHERE (workflow, key, run) IN (SELECT workflow, key, id FROM run_finished WHERE id = ?)
            """,
            in: self.database
        )
        let row = try SQLStatement("DELETE FROM run_finished WHERE id = ?", in: self.database)
        var left = rows
        for (index, run) in runs.enumerated() {
            left -= try history.add(run).add(left).run()
            if left <= 0 { return index }
            try key.add(run).run()
            try row.add(run).run()
        }
        return runs.count
    }
}
