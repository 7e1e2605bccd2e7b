// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation
import Testing

extension EndToEnd {
    /// The database goes away under load, again and again.
    @Suite("Database away", .serialized, .enabled(if: Postgres.server != nil, "CANO_TEST_POSTGRES is not set"))
    struct DatabaseAwayTests {
        @Test("runs wait, none fails because of it, and all end afterwards")
        func away() async throws {
            let problems = try await onOwnThread { try StoreKind.postgres.run(Self.scenario) }
            #expect(problems.isEmpty, "\(problems.count) problems, such as \(problems.prefix(5))")
        }

        private static func scenario(store: String, scratch: Scratch) throws -> [String] {
            let journey = try Journey(in: scratch)
            let coordinator = try Coordinator(store, ["--shard-seconds", "2"], in: scratch)
            defer { coordinator.process.end() }
            try coordinator.waitUntilReady()
            try coordinator.apply(journey.yaml, named: Journey.name)
            let workers = try ["w1", "w2"]
                .map { name in
                    try Worker.start(name, of: [coordinator], allowing: journey.program, in: scratch)
                }
            defer { for worker in workers { worker.end() } }
            let runs = try coordinator.start(journey.starts(30, failing: 3))

            for time in 1...3 {
                let before = journey.ledger.count
                try wait(for: "load") { try journey.ledger.count >= before + 40 && coordinator.leases() > 0 }
                try Self.takeAway(store, coordinator, scratch)
                try coordinator.expectAlive()
                try wait(for: "the coordinator to serve again, time \(time)") { try coordinator.shards() == 64 }
            }
            return journey.problems(of: try coordinator.waitForEnd(of: runs))
        }

        /// Ends every connection to the database and refuses new ones until the coordinator says that it cannot serve.
        private static func takeAway(_ store: String, _ coordinator: Coordinator, _ scratch: Scratch) throws {
            let server = try require(Postgres.server, "CANO_TEST_POSTGRES names no server")
            let name = try require(store.split(separator: "/").last, "the store is no URI")
            try Postgres.execute("ALTER DATABASE \(name) ALLOW_CONNECTIONS false", at: server, in: scratch)
            let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '\(name)'"
            let ended = try Postgres.execute(end, at: server, in: scratch)
            try require(Int(ended) ?? 0 > 0, "the coordinator had no connection: the fault missed")
            try wait(for: "the coordinator to notice") { try coordinator.shards() == nil }
            try Postgres.execute("ALTER DATABASE \(name) ALLOW_CONNECTIONS true", at: server, in: scratch)
        }
    }
}
