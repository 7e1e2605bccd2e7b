// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import Testing

/// Every shape, with a death before and behind every commit: the outcome is the same, and what is done stays done.
@Suite("Crash points", .serialized)
struct CrashMatrixTests {
    @Test("a task", arguments: CrashMatrix<Trip>.Store.allCases)
    func tasksAndSplits(store: CrashMatrix<Trip>.Store) async throws {
        let matrix = CrashMatrix(workflow: Trip(ledger: Ledger()), context: .init(legs: ["a", "b", "c"]))
        #expect(try await matrix.check(on: store) >= 4)
    }

    @Test("a poll", arguments: CrashMatrix<Parcel>.Store.allCases)
    func poll(store: CrashMatrix<Parcel>.Store) async throws {
        let matrix = CrashMatrix(workflow: Parcel(), context: .init())
        #expect(try await matrix.check(on: store) >= 4)
    }

    @Test("parallel tasks, a batch and local states", arguments: CrashMatrix<Shop>.Store.allCases)
    func branches(store: CrashMatrix<Shop>.Store) async throws {
        let matrix = CrashMatrix(workflow: Shop(), context: .init(parcels: [3, -1, 5]))
        #expect(try await matrix.check(on: store) >= 5)
    }

    @Test("a stream", arguments: CrashMatrix<Feed>.Store.allCases)
    func stream(store: CrashMatrix<Feed>.Store) async throws {
        let matrix = CrashMatrix(workflow: Feed(), context: .init(count: 5))
        #expect(try await matrix.check(on: store) >= 3)
    }

    @Test("a stepped task", arguments: CrashMatrix<Import>.Store.allCases)
    func stepped(store: CrashMatrix<Import>.Store) async throws {
        let matrix = CrashMatrix(workflow: Import(ledger: Ledger()), context: .init(rows: 6))
        #expect(try await matrix.check(on: store) >= 4)
    }
}
