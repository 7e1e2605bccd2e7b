// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation
import Testing

extension EndToEnd {
    /// Somebody waits at a terminal while the coordinator is killed and started again.
    @Suite("Waiting client", .serialized)
    struct WaitingClientTests {
        @Test("cano start --wait and cano watch outlast the coordinator, and a file's next owner has it at once")
        func outlasts() async throws {
            try await onOwnThread { try StoreKind.sqlite.run(Self.scenario) }
        }

        private static func scenario(store: String, scratch: Scratch) throws {
            let task = try LongTask(in: scratch)
            // A lease of the dead owner would block the next one for ten minutes, were it waited for.
            let coordinator = try Coordinator(store, ["--shard-seconds", "600"], in: scratch)
            defer { coordinator.process.end() }
            try coordinator.waitUntilReady()
            try coordinator.apply(task.yaml, named: LongTask.name)
            let worker = try Worker.start("w", of: [coordinator], allowing: task.program, in: scratch)
            defer { worker.end() }
            let cano = try Programs.path(of: Programs.command)
            let place = ["--url", "http://127.0.0.1:\(coordinator.http.port)"]
            let start = try Child(cano, ["start", LongTask.name, "--wait"] + place, name: "start", in: scratch)
            defer { start.end() }
            let program = try task.process(of: 1)
            struct Body: Decodable {
                struct Run: Decodable { var id: String }
                var runs: [Run]
            }
            let run = try require(
                coordinator.http.get("/v1/runs").decoded(as: Body.self).runs.first?.id,
                "the run that was started is not listed"
            )
            let watch = try Child(cano, ["watch", run] + place, name: "watch", in: scratch)
            defer { watch.end() }
            try wait(for: "the watcher to show the run") { !text(of: watch.output).isEmpty }

            try coordinator.process.killNow()
            usleep(500_000)  // both have met nobody by then
            try require(start.isRunning && watch.isRunning, "\(text(of: start.errors)) \(text(of: watch.errors))")
            try coordinator.restart()
            try coordinator.waitUntilReady()
            try require(isAlive(program), "the attempt died with the coordinator")
            for attempt in 1...2 { try task.open(gateOf: attempt) }
            for client in [start, watch] {
                let status = try client.waitForExit()
                try require(status == 0, "\(client.name) ended with \(status): \(text(of: client.errors))")
                try require(text(of: client.output).contains("succeeded"), text(of: client.output))
            }
        }
    }
}
