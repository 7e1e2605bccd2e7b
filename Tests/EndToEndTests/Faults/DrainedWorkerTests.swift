// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation
import Testing

extension EndToEnd {
    /// A worker is told to stop while it has work.
    @Suite("Drained worker", .serialized)
    struct DrainedWorkerTests {
        @Test("it ends with 0, no attempt is charged, and everything ends")
        func drain() async throws {
            let problems = try await onOwnThread { try StoreKind.sqlite.run(Self.scenario) }
            #expect(problems.isEmpty, "\(problems.count) problems, such as \(problems.prefix(5))")
        }

        private static func scenario(store: String, scratch: Scratch) throws -> [String] {
            let journey = try Journey(in: scratch)
            let coordinator = try Coordinator(store, in: scratch)
            defer { coordinator.process.end() }
            try coordinator.waitUntilReady()
            try coordinator.apply(journey.yaml, named: Journey.name)
            let program = journey.program
            let stays = try Worker.start("stays", of: [coordinator], allowing: program, in: scratch)
            defer { stays.end() }
            let leaves = try Worker.start("leaves", of: [coordinator], allowing: program, in: scratch)
            defer { leaves.end() }
            let runs = try coordinator.start(journey.starts(20, failing: 4))
            try wait(for: "the worker to have work") {
                guard journey.ledger.count >= 30 else { return false }
                return try coordinator.connectedWorkers().contains { $0.id == "leaves" && $0.leases > 0 }
            }
            try leaves.signal(SIGTERM)
            let status = try leaves.waitForExit(upTo: 120)
            try require(status == 0, "the worker ended with \(status): \(text(of: leaves.errors).suffix(300))")
            let histories = try coordinator.waitForEnd(of: runs)
            var problems = journey.problems(of: histories)
            for history in histories {
                for entry in history.timeline where entry.kind == "attemptFailed" && entry.reason != "exit" {
                    problems.append("\(history.run.id): an attempt was charged: \(entry)")
                }
                for entry in history.timeline where entry.kind == "attemptLost" && entry.reason != "released" {
                    problems.append("\(history.run.id): an attempt was lost, not handed back: \(entry)")
                }
            }
            return problems
        }
    }
}
