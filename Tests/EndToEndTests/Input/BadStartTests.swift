// SPDX-License-Identifier: Apache-2.0 OR MIT

import Testing

extension EndToEnd {
    /// Programs that cannot begin their work say one line and end with a failure.
    @Suite("Bad start", .serialized)
    struct BadStartTests {
        @Test("a second process on the same SQLite file ends and names the file")
        func secondProcess() async throws {
            try await onOwnThread {
                try StoreKind.sqlite.run { store, scratch in
                    let coordinator = try Coordinator(store, in: scratch)
                    defer { coordinator.process.end() }
                    let line = try Self.refusal(of: ["--store", store], in: scratch)
                    try require(line.contains("cano.sqlite"), "the file is not named: \(line)")
                    try coordinator.expectAlive()
                }
            }
        }

        @Test("a Postgres URI that cannot connect is told without its password")
        func unreachable() async throws {
            try await onOwnThread {
                try Scratch.with { scratch in
                    let store = "postgres://somebody:secret-word@127.0.0.1:1/nowhere"
                    let line = try Self.refusal(of: ["--store", store], in: scratch)
                    try require(line.contains("127.0.0.1"), "the server is not named: \(line)")
                    try require(!line.contains("secret-word"), "the password is told: \(line)")
                }
            }
        }

        @Test(
            "a store that is none, an address that is not loopback",
            arguments: [
                ["--store", "oracle:thing"], ["--store", "sqlite:x", "--listen", "0.0.0.0:0"],
            ]
        )
        func badOptions(options: [String]) async throws {
            try await onOwnThread {
                try Scratch.with { scratch in
                    let line = try Self.refusal(of: options, in: scratch)
                    try require(options.contains { line.contains($0) }, "the culprit is not named: \(line)")
                }
            }
        }

        /// The one line that a coordinator ends with.
        private static func refusal(of options: [String], in scratch: Scratch) throws -> String {
            let addresses = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
                .prefix(options.contains("--listen") ? 0 : 4)
            let program = try Programs.path(of: Programs.coordinator)
            let child = try Child(program, options + addresses, name: "refused", in: scratch)
            defer { child.end() }
            let status = try child.waitForExit()
            let lines = text(of: child.errors).split(separator: "\n")
            try require(status > 0 && status < 128, "it ended with \(status): \(lines)")
            try require(lines.count == 1, "it said \(lines.count) lines: \(lines)")
            return String(lines[0])
        }
    }
}
