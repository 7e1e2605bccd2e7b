// SPDX-License-Identifier: Apache-2.0 OR MIT

import Testing

extension EndToEnd {
    /// What comes in on the worker port and must not.
    @Suite("Bad wire", .serialized)
    struct BadWireTests {
        @Test("garbage, frames over the limit and wrong tokens are refused, and work goes on")
        func refused() async throws {
            try await onOwnThread { try StoreKind.sqlite.run(Self.scenario) }
        }

        private static func scenario(store: String, scratch: Scratch) throws {
            let journey = try Journey(in: scratch, seconds: "0.01")
            let coordinator = try Coordinator(store, ["--token", "right"], in: scratch)
            defer { coordinator.process.end() }
            try wait(for: "the coordinator to be ready") { try coordinator.shards() == 64 }
            let port = try require(coordinator.workers.split(separator: ":").last.flatMap { UInt16($0) }, "no port")

            let garbage = try Self.answer(to: Array("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".utf8), port)
            try require(!garbage.isEmpty, "garbage was answered without a reason")
            let small = try Self.answer(to: [0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff], port)
            try require(!small.isEmpty, "a frame of garbage was answered without a reason")
            // Only the length is sent: it is refused before any of the frame could have been buffered.
            let length = UInt32(16 * 1024 * 1024 + 1)
            let large = try Self.answer(to: (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) }, port)
            let reason = String(decoding: large, as: UTF8.self)
            try require(
                reason.contains("16777217") || reason.contains("16777216"),
                "no reason for the frame: \(reason)"
            )

            try Self.checkWrongToken(coordinator, journey, scratch)
            let unauthorized = try coordinator.http.get("/v1/runs")
            try require(unauthorized.status == 401, "\(unauthorized.status) without a token")
            try coordinator.expectAlive()
            let options = ["--token", "right"]
            let worker = try Worker.start("good", of: [coordinator], allowing: journey.program, options, in: scratch)
            defer { worker.end() }
            try wait(for: "the good worker to be welcomed") { text(of: worker.errors).contains("welcomed") }
        }

        private static func checkWrongToken(_ coordinator: Coordinator, _ journey: Journey, _ scratch: Scratch) throws {
            let options = ["--token", "wrong"]
            let worker = try Worker.start("bad", of: [coordinator], allowing: journey.program, options, in: scratch)
            defer { worker.end() }
            let status = try worker.waitForExit()
            let last = try require(text(of: worker.errors).split(separator: "\n").last, "the worker said nothing")
            try require(status != 0 && status < 128, "the worker ended with \(status): \(last)")
            try require(last.contains("token"), "the last line does not name the token: \(last)")
            try require(last.contains("give it"), "no remedy is named: \(last)")
        }

        /// What the coordinator answers before it closes the connection.
        private static func answer(to bytes: [UInt8], _ port: UInt16) throws -> [UInt8] {
            let connection = try Connection(port: port)
            try connection.send(bytes)
            return try connection.receiveAll()
        }
    }
}
