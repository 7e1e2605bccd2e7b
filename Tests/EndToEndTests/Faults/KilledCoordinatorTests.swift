// SPDX-License-Identifier: Apache-2.0 OR MIT

import Testing

extension EndToEnd {
    /// The coordinator is killed again and again.
    @Suite("Killed coordinator", .serialized)
    struct KilledCoordinatorTests {
        private static let kills = 20
        private static let runs = 50
        /// Of every so many runs one fails at its end, so that all it did is undone.
        private static let failing = 3

        @Test(
            "twenty kills lose no outcome, accept none twice and undo in reverse",
            arguments: StoreKind.available
        )
        func kills(store: StoreKind) async throws {
            let problems = try await onOwnThread { try store.run(Self.scenario) }
            #expect(problems.isEmpty, "\(problems.count) problems, such as \(problems.prefix(5))")
        }

        private static func scenario(store: String, scratch: Scratch) throws -> [String] {
            let journey = try Journey(in: scratch)
            let coordinator = try Coordinator(store, ["--shard-seconds", "1"], in: scratch)
            defer { coordinator.process.end() }
            try coordinator.waitUntilReady()
            try coordinator.apply(journey.yaml, named: Journey.name)
            let workers = try ["w1", "w2"]
                .map { name in
                    try Worker.start(name, of: [coordinator], allowing: journey.program, in: scratch)
                }
            defer { for worker in workers { worker.end() } }
            let runs = try coordinator.start(journey.starts(Self.runs, failing: Self.failing))

            let failed = (Self.runs + Self.failing - 1) / Self.failing
            let lines = Self.runs * (Journey.pushes + 1) + failed * Journey.pushes
            var hits = 0
            for kill in 1...Self.kills {
                // Spread over the whole life of the runs, their undoing included.
                let least = max(journey.ledger.count + 6, kill * lines / (Self.kills + 4))
                if try Self.killUnderLoad(coordinator, journey, after: least) { hits += 1 }
                try coordinator.restart()
                try coordinator.waitUntilReady()
            }
            try require(hits >= 15, "only \(hits) of \(Self.kills) kills hit while leases were out")
            let histories = try coordinator.waitForEnd(of: runs)
            return journey.problems(of: histories)
        }

        /// Kills the coordinator when the ledger has so many lines and leases are out; false when none were.
        private static func killUnderLoad(
            _ coordinator: Coordinator,
            _ journey: Journey,
            after lines: Int
        ) throws -> Bool {
            var leases = 0
            try wait(for: "progress up to \(lines) lines; there are \(journey.ledger.count)") {
                guard journey.ledger.count >= lines else { return false }
                leases = try coordinator.leases()
                return leases > 0
            }
            try coordinator.process.killNow()
            return leases > 0
        }
    }
}
