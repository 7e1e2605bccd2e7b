// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import CanoSQLite
import Foundation

/// The stores on which an embedded promise must hold.
enum StoreOfTests: String, CaseIterable {
    case memory, sqlite

    /// Runs `body` with a way to open the same store again and again, as a process does that was restarted.
    func withStore(_ body: (_ open: @Sendable () async throws -> any RunStore) async throws -> Void) async throws {
        switch self {
        case .memory:
            let store = MemoryStore(clock: { TestClock.now() })
            try await body { store }
        case .sqlite:
            let folder = FileManager.default.temporaryDirectory.appending(path: "cano-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let path = folder.appending(path: "cano.db").path
            try await body { try await SQLiteStore.open(path: path) }
        }
    }
}
