// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation
import Testing

extension EndToEnd {
    /// A task ends while its worker is stopped: the worker wakes up with a result that nobody may take any more.
    @Suite("Late result", .serialized)
    struct LateResultTests {
        @Test("a result under a lost lease is refused")
        func lateResult() async throws {
            try await onOwnThread { try StoreKind.sqlite.run(Self.scenario) }
        }

        private static func scenario(store: String, scratch: Scratch) throws {
            let task = try LongTask(in: scratch)
            let coordinator = try Coordinator(store, ["--lease-seconds", "2"], in: scratch)
            defer { coordinator.process.end() }
            try coordinator.waitUntilReady()
            try coordinator.apply(task.yaml, named: LongTask.name)
            let late = try Worker.start("late", of: [coordinator], allowing: task.program, in: scratch)
            defer { late.end() }
            let run = try coordinator.start([task.start])[0]
            let program = try task.process(of: 1)
            try late.signal(SIGSTOP)
            try late.waitUntilStopped()
            // The program ends; its worker finds the output when it goes on.
            try task.open(gateOf: 1)
            try wait(for: "the program to end") { !isAlive(program) }
            let other = try Worker.start("other", of: [coordinator], allowing: task.program, in: scratch)
            defer { other.end() }
            _ = try task.process(of: 2)
            try late.signal(SIGCONT)
            try wait(for: "the late worker to be served again") {
                try coordinator.connectedWorkers().contains { $0.id == "late" && $0.connected && $0.leases == 0 }
            }
            let meanwhile = try coordinator.history(of: run)
            try require(meanwhile.run.status == "active", "the late result ended the run: \(meanwhile.run.status)")
            try task.open(gateOf: 2)
            let history = try coordinator.waitForEnd(of: [run])[0]
            let outcomes = history.outcomes
            try require(
                outcomes.count == 1 && outcomes[0].worker == "other",
                "the late result was accepted: \(outcomes)"
            )
            try require(history.losses.map(\.worker) == ["late"], "the losses are of \(history.losses.map(\.worker))")
        }
    }
}
