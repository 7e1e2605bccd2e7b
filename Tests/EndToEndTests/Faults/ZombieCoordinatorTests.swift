// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation
import Testing

extension EndToEnd {
    /// A coordinator is stopped, replaced, and goes on as if nothing had happened.
    @Suite("Zombie coordinator", .serialized, .enabled(if: Postgres.server != nil, "CANO_TEST_POSTGRES is not set"))
    struct ZombieCoordinatorTests {
        @Test("its commits are refused by name, it steps down and undoes nothing")
        func zombie() async throws {
            let problems = try await onOwnThread { try StoreKind.postgres.run(Self.scenario) }
            #expect(problems.isEmpty, "\(problems.count) problems, such as \(problems.prefix(5))")
        }

        private static func scenario(store: String, scratch: Scratch) throws -> [String] {
            let journey = try Journey(in: scratch)
            let options = ["--shard-seconds", "2", "--lease-seconds", "4"]
            let first = try Coordinator(store, options, name: "first", in: scratch)
            defer { first.process.end() }
            try first.waitUntilReady()
            let second = try Coordinator(store, options, name: "second", in: scratch)
            defer { second.process.end() }
            try first.apply(journey.yaml, named: Journey.name)
            let workers = try ["w1", "w2"]
                .map { name in
                    try Worker.start(name, of: [first, second], allowing: journey.program, in: scratch)
                }
            defer { for worker in workers { worker.end() } }
            let runs = try first.start(journey.starts(30, failing: 2))

            try wait(for: "load") { try journey.ledger.count >= 60 && first.leases() > 0 }
            try require(second.shards() == nil, "the second coordinator owns shards while the first one lives")
            try first.process.signal(SIGSTOP)
            try first.process.waitUntilStopped()
            try second.waitUntilReady()
            // Work for the zombie's next moment: it cannot know yet that it owns nothing any more.
            let body = journey.starts(1, failing: 2, prefix: "zombie")[0]
            let json = ["Content-Type": "application/json"]
            let pending = try (0..<16).map { _ in try first.http.send("POST", "/v1/runs", body: body, json) }
            let takenAt = journey.ledger.count
            try wait(for: "the second coordinator to make progress") { journey.ledger.count >= takenAt + 20 }
            try first.process.signal(SIGCONT)

            try wait(for: "the zombie to step down") { try first.http.get("/readyz").status == 503 }
            try wait(for: "the zombie's commits to be refused by name") { first.log.contains("shard lost") }
            let accepted = try pending.compactMap { try Self.acceptedRun(HTTP.read($0)) }
            let histories = try second.waitForEnd(of: runs + Set(accepted))
            try first.expectAlive()
            try require(first.shards() == nil, "the zombie owns shards again")
            try require(second.shards() == 64, "the second coordinator lost shards to the zombie")
            // What the zombie compensated would be undone twice or out of order, or a good run would be undone.
            return journey.problems(of: histories)
        }

        /// The run that the zombie promised; whatever it accepts must be durable, so most often it refuses.
        private static func acceptedRun(_ answer: HTTP.Answer) throws -> String? {
            struct Body: Decodable { var id: String }
            guard answer.status == 200 || answer.status == 201 else {
                try require(answer.status >= 500, "the zombie answered \(answer.status): \(answer.text)")
                return nil
            }
            return try answer.decoded(as: Body.self).id
        }
    }
}
