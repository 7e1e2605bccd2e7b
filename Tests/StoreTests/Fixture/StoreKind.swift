// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

/// The implementations of ``RunStore`` that this run of the tests can reach.
///
/// Every conformance test runs on each.
enum StoreKind: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case memory
    case sqlite
    /// Reached when the environment variable `CANO_TEST_POSTGRES` has a URI under which databases can be created.
    case postgres

    /// What `@Test(arguments:)` of a conformance test gets.
    static var available: [StoreKind] {
        self.allCases.filter { $0 != .postgres || PostgresFixture.baseURI != nil }
    }

    /// The kinds that are compared with the memory store.
    static var durable: [StoreKind] {
        self.available.filter { $0 != .memory }
    }

    var testDescription: String { self.rawValue }

    /// Makes a fresh store, runs `body` and takes everything away again.
    func withStore(_ body: (any RunStore, StoreFixture) async throws -> Void) async throws {
        switch self {
        case .memory: try await MemoryFixture.withStore(body)
        case .sqlite: try await SQLiteFixture.withStore(body)
        case .postgres: try await PostgresFixture.withStore(body)
        }
    }
}

/// What a conformance test may do with a store beside calling it.
struct StoreFixture: Sendable {
    /// A second handle on the same data, as another host would open it.
    ///
    /// A store that one process may open only once gives the same handle; the two hosts then share it.
    var other: @Sendable () async throws -> any RunStore
    /// Lets the store's clock go on by at least this span: a clock of the test's own is moved, a real one is awaited.
    var pass: @Sendable (Span) async throws -> Void
}
