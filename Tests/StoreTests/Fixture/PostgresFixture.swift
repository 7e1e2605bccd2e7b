// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Fresh databases on a PostgreSQL server.
enum PostgresFixture {
    /// Where databases can be created; `nil` leaves this kind of store out of the tests.
    static var baseURI: String? { nil }

    static func withStore(_ body: (any RunStore, StoreFixture) async throws -> Void) async throws {}
}
