// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import CanoSQLite
import Foundation

/// Fresh SQLite files.
enum SQLiteFixture {
    static func withStore(_ body: (any RunStore, StoreFixture) async throws -> Void) async throws {
        try await Self.withFolder { folder in
            let clock = TestClock()
            let store = try await SQLiteStore.open(path: folder + "/cano.db", clock: clock.read, preallocating: 0)
            do {
                try await body(store, StoreFixture(other: { store }, pass: clock.pass))
            } catch {
                await store.close()
                throw error
            }
            await store.close()
        }
    }

    /// Opens a file by the system's clock.
    static func open(_ path: String) async throws(CanoError) -> SQLiteStore {
        try await SQLiteStore.open(path: path, clock: SystemTime.now, preallocating: 0)
    }

    /// A folder of its own for one test.
    static func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cano-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder.path)
    }
}
