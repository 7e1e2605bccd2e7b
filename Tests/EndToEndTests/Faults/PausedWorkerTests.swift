// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation
import Testing

extension EndToEnd {
    /// A worker is stopped for longer than its lease lasts, and then goes on.
    @Suite("Paused worker", .serialized)
    struct PausedWorkerTests {
        @Test("its attempt is lost by name, done by another, and its late task is cancelled")
        func pausedPastLease() async throws {
            try await onOwnThread { try StoreKind.sqlite.run { try Self.pause($0, $1, killingCoordinator: false) } }
        }

        @Test("after a coordinator's kill, an attempt that was declared lost is not adopted")
        func pausedThroughKill() async throws {
            try await onOwnThread { try StoreKind.sqlite.run { try Self.pause($0, $1, killingCoordinator: true) } }
        }

        private static func pause(_ store: String, _ scratch: Scratch, killingCoordinator: Bool) throws {
            let task = try LongTask(in: scratch)
            let coordinator = try Coordinator(store, ["--lease-seconds", "2"], in: scratch)
            defer { coordinator.process.end() }
            try coordinator.waitUntilReady()
            try coordinator.apply(task.yaml, named: LongTask.name)
            let late = try Worker.start("late", of: [coordinator], allowing: task.program, in: scratch)
            defer { late.end() }
            let run = try coordinator.start([task.start])[0]
            let program = try task.process(of: 1)
            // From then on the loss can name the worker, whichever coordinator declares it.
            try wait(for: "the attempt to be recorded") {
                try coordinator.history(of: run).timeline.contains { $0.kind == "attemptHeld" }
            }

            try late.signal(SIGSTOP)
            try late.waitUntilStopped()
            if killingCoordinator {
                try coordinator.process.killNow()
                try coordinator.restart()
                try coordinator.waitUntilReady()
            }
            let other = try Worker.start("other", of: [coordinator], allowing: task.program, in: scratch)
            defer { other.end() }
            _ = try task.process(of: 2)
            try require(isAlive(program), "the paused worker's task ended by itself: the fault missed")
            try task.open(gateOf: 2)
            let history = try coordinator.waitForEnd(of: [run])[0]
            try Self.check(history)

            // The paused worker wakes up with a task that runs; nobody may take its result.
            try late.signal(SIGCONT)
            try wait(for: "the late task to be cancelled") { !isAlive(program) }
            try wait(for: "the late worker to be served again") {
                try coordinator.connectedWorkers().contains { $0.id == "late" && $0.connected && $0.leases == 0 }
            }
            let after = try coordinator.history(of: run)
            try require(after.timeline.count == history.timeline.count, "the late worker changed the run")
            try coordinator.expectAlive()
        }

        private static func check(_ history: RunHistory) throws {
            try require(history.run.status == "succeeded", "the run is \(history.run.status)")
            let losses = history.losses
            try require(losses.count == 1, "\(losses.count) attempts were lost, not 1")
            try require(losses[0].worker == "late", "the loss names worker \(losses[0].worker ?? "nobody")")
            let token = try require(losses[0].token, "the loss names no token")
            let outcome = try require(history.outcomes.last, "no outcome was accepted")
            try require(outcome.worker == "other" && outcome.attempt == 2, "attempt \(outcome.attempt) was accepted")
            try require(outcome.token != token, "both attempts had the token \(token)")
        }
    }
}
