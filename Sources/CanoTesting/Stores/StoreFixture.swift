// SPDX-License-Identifier: Apache-2.0 OR MIT

public import Cano
import CanoEngine

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Makes data for one test, on which stores can be opened one after the other.
///
/// ```swift
/// let kinds: [StoreFixture] = [.memory(), .file { try await SQLiteStore.open(path: $0) }]
/// try await kinds[0].withData { data in
///     let store = try await data.open()
///     …
/// }
/// ```
public struct StoreFixture: Sendable {
    /// Data that outlives the stores that are opened on it.
    public struct Data: Sendable {
        let opener: @Sendable () async throws -> any RunStore

        /// Opens a store on the data; close it before the next one is opened.
        ///
        /// - Returns: the store.
        /// - Throws: what opening it throws.
        public func open() async throws -> any RunStore {
            try await self.opener()
        }
    }

    /// What it is called in messages: `memory`, `file`.
    public let name: String
    private let make: @Sendable (_ folder: String) async throws -> Data

    /// Memory: every opening gives the same store, which forgets everything at the end of the test.
    ///
    /// - Parameter clock: the time that the store calls its own (default: the machine's).
    /// - Returns: the fixture.
    public static func memory(clock: @escaping @Sendable () -> Instant = WallClock.now) -> StoreFixture {
        StoreFixture(name: "memory") { _ in
            let store = MemoryStore(clock: clock)
            return Data { store }
        }
    }

    /// A file of its own in a temporary folder, which is removed at the end of the test.
    ///
    /// - Parameter open: opens a store on the file with this path.
    /// - Returns: the fixture.
    public static func file(
        _ open: @escaping @Sendable (_ path: String) async throws -> any RunStore
    ) -> StoreFixture {
        StoreFixture(name: "file") { folder in
            Data { try await open(folder + "/cano.sqlite") }
        }
    }

    /// Makes data, hands it to `body`, and removes it.
    ///
    /// - Parameter body: opens stores on it.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, and what the folder cannot be made for.
    public func withData<Value: Sendable>(
        _ body: @Sendable (Data) async throws -> Value
    ) async throws -> Value {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cano-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer {
            // What cannot be removed now is removed with the machine's temporary files.
            try? FileManager.default.removeItem(at: folder)
        }
        return try await body(try await self.make(folder.path()))
    }
}

extension StoreFixture: CustomStringConvertible {
    /// The name.
    public var description: String { self.name }
}

/// The clock of the machine, for stores of tests that need no other.
public enum WallClock {
    /// The time, to the microsecond.
    @Sendable public static func now() -> Instant {
        Instant(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }
}
