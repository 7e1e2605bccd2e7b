// SPDX-License-Identifier: Apache-2.0 OR MIT

import Testing

extension EndToEnd {
    /// Runs that wait are rows, not memory.
    @Suite("Waiting runs", .serialized)
    struct WaitingRunsTests {
        private static let batch = 10_000
        /// By how much 90,000 more waiting runs may change the coordinator's resident memory.
        ///
        /// Buffers and caches warm up by some 20 MB on the way; resident runs would be at least 90 MB.
        private static let boundKiB = 40 * 1024

        @Test("100,000 runs on a timer cost the coordinator no memory", arguments: StoreKind.available)
        func memory(store: StoreKind) async throws {
            let (early, late) = try await onOwnThread { try store.run(Self.scenario) }
            print("waiting runs on \(store.rawValue): VmRSS \(early) KiB at 10,000, \(late) KiB at 100,000")
            #expect(late - early < Self.boundKiB, "VmRSS grew from \(early) KiB to \(late) KiB")
        }

        private static func scenario(store: String, scratch: Scratch) throws -> (Int, Int) {
            let coordinator = try Coordinator(store, in: scratch)
            defer { coordinator.process.end() }
            try coordinator.waitUntilReady()
            let yaml = """
                workflow: nap
                version: 1
                start: sleep
                states:
                  sleep: { wait: 1h, to: done }
                  done: { exit: success }
                """
            try coordinator.apply(yaml, named: "nap")
            let start = #"{"workflow": "nap"}"#
            var early = 0
            for number in 1...10 {
                try coordinator.start(Array(repeating: start, count: Self.batch))
                if number == 1 { early = try coordinator.process.residentKiB() }
            }
            let late = try coordinator.process.residentKiB()
            struct Page: Decodable {
                struct Run: Decodable { var status: String }
                var runs: [Run]
            }
            let page = try coordinator.http.get("/v1/runs?limit=1000").decoded(as: Page.self)
            try require(page.runs.count == 1000, "only \(page.runs.count) runs are listed")
            try require(page.runs.allSatisfy { $0.status == "waiting" }, "not all runs wait")
            return (early, late)
        }
    }
}
