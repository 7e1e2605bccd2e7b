// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine
import GRDB
import GRDBSQLite

/// What tests ask about the connection itself.
extension SQLiteStore {
    /// The value of a `PRAGMA` of the writer.
    package func setting(_ name: String) async throws(CanoError) -> String? {
        try await self.write { try String.fetchOne($0, sql: "PRAGMA \(name)") }
    }

    /// How many instructions SQLite runs to load a run: a measure of work that no clock disturbs.
    package func stepsToLoad(_ run: RunID) async throws(CanoError) -> Int {
        try await self.steps { _ = try $0.load(run) }
    }

    /// How many instructions SQLite runs to find out that nothing of a shard is due before `horizon`.
    package func stepsToSweep(_ shard: ShardID, before horizon: Instant) async throws(CanoError) -> Int {
        try await self.steps {
            _ = try $0.runnable(in: shard, before: horizon, waitingOnly: true, after: nil, limit: 1000)
        }
    }

    private func steps(of question: @escaping @Sendable (RunReader) throws -> Void) async throws(CanoError) -> Int {
        try await self.read { reader in
            var steps = 0
            try withUnsafeMutablePointer(to: &steps) { counter in
                sqlite3_progress_handler(
                    reader.database.sqliteConnection,
                    1,
                    { counter in
                        counter?.assumingMemoryBound(to: Int.self).pointee += 1
                        return 0
                    },
                    counter
                )
                defer { sqlite3_progress_handler(reader.database.sqliteConnection, 0, nil, nil) }
                try question(reader)
            }
            return steps
        }
    }
}
