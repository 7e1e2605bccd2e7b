// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import CanoPostgres
import Foundation

/// Fresh databases on a PostgreSQL server.
enum PostgresFixture {
    /// Where databases can be created; `nil` leaves this kind of store out of the tests.
    static var baseURI: String? { ProcessInfo.processInfo.environment["CANO_TEST_POSTGRES"] }

    static func withStore(_ body: (any RunStore, StoreFixture) async throws -> Void) async throws {
        try await Self.withDatabase { uri in
            let store = try await PostgresStore.open(uri, options: Self.patient)
            let others = Guarded<[PostgresStore]>([])
            let fixture = StoreFixture(
                other: {
                    let other = try await PostgresStore.open(uri, options: Self.patient)
                    others.withLock { $0.append(other) }
                    return other
                },
                pass: { span in try await Task.sleep(for: span.duration + .milliseconds(1)) }
            )
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(store, fixture)) } catch { outcome = .failure(error) }
            for other in others.withLock({ $0 }) { await other.close() }
            await store.close()
            try outcome.get()
        }
    }

    /// Deadlines that a busy machine keeps.
    private static let patient = PostgresOptions {
        $0.queryTime = .seconds(60)
        $0.commitTime = .seconds(60)
    }

    /// A database of its own for one test.
    static func withDatabase(_ body: (String) async throws -> Void) async throws {
        guard let base = Self.baseURI, var parts = URLComponents(string: base) else {
            throw TestFailure("CANO_TEST_POSTGRES has no URI")
        }
        let name = "cano_store_" + UUID().uuidString.lowercased().replacing("-", with: "")
        parts.path = "/" + name
        guard let uri = parts.string else { throw TestFailure("CANO_TEST_POSTGRES has no URI") }
        try await PostgresStore.administer(base, "CREATE DATABASE \(name) ENCODING 'UTF8' TEMPLATE template0")
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(uri)) } catch { outcome = .failure(error) }
        try await PostgresStore.administer(base, "DROP DATABASE \(name) WITH (FORCE)")
        try outcome.get()
    }
}
