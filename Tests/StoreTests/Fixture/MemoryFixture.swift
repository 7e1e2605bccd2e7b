// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Fresh memory stores.
enum MemoryFixture {
    static func withStore(_ body: (any RunStore, StoreFixture) async throws -> Void) async throws {
        let clock = TestClock()
        let store = MemoryStore(clock: clock.read)
        try await body(store, StoreFixture(other: { store }, pass: clock.pass))
        await store.close()
    }
}

/// A clock that stands still until the test moves it.
final class TestClock: Sendable {
    private let time = Guarded(Instant(microseconds: 1_800_000_000_000_000))

    @Sendable func read() -> Instant {
        self.time.withLock { $0 }
    }

    @Sendable func pass(_ span: Span) async {
        self.time.withLock { $0 = $0.advanced(by: span) }
    }
}
