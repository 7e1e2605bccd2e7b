// SPDX-License-Identifier: Apache-2.0 OR MIT

import Testing

extension EndToEnd {
    /// What callers get wrong: one line that names the culprit and the remedy, and the coordinator lives on.
    @Suite("Bad requests", .serialized)
    struct BadRequestTests {
        private struct Refusal: Decodable {
            struct Problem: Decodable {
                var code: String
                var message: String
            }
            var error: Problem
        }

        private static let yaml = """
            workflow: nap
            version: 1
            start: sleep
            states:
              sleep: { wait: 1h, to: done }
              done: { exit: success }
            """
        private static let yamlType = ["Content-Type": "application/yaml"]

        @Test("each is refused by name and nothing else happens")
        func refused() async throws {
            try await onOwnThread { try StoreKind.sqlite.run(Self.scenario) }
        }

        private static func scenario(store: String, scratch: Scratch) throws {
            let coordinator = try Coordinator(store, in: scratch)
            defer { coordinator.process.end() }
            try coordinator.waitUntilReady()
            try coordinator.apply(Self.yaml, named: "nap")
            let http = coordinator.http
            try Self.checkStarts(http)
            try Self.checkDefinitions(http)
            let plain = try http.ask("POST", "/v1/runs", body: "{}", ["Content-Type": "text/plain"])
            try Self.expect(415, "invalidInput", ["text/plain"], plain)
            let host = try http.ask("GET", "/v1/runs", ["Host": "evil.example"])
            try Self.expect(421, "unauthorized", ["evil.example"], host)
            let origin = try http.ask("GET", "/v1/runs", ["Origin": "http://evil.example"])
            try Self.expect(403, "unauthorized", ["evil.example"], origin)
            let nobody = "00000000-0000-7000-8000-000000000000"
            try Self.expect(404, "unknownRun", [nobody], http.get("/v1/runs/\(nobody)"))
            try coordinator.expectAlive()
            try coordinator.start([#"{"workflow": "nap", "key": "afterwards"}"#])
        }

        private static func checkStarts(_ http: HTTP) throws {
            try Self.expect(404, "unknownWorkflow", ["nowhere"], http.post("/v1/runs", #"{"workflow": "nowhere"}"#))
            let first = #"{"workflow": "nap", "key": "one", "context": {"a": 1}}"#
            try require(http.post("/v1/runs", first).status == 201, "the run was not started")
            try require(http.post("/v1/runs", first).status == 200, "the same start is no longer the same run")
            let other = #"{"workflow": "nap", "key": "one", "context": {"a": 2}}"#
            try Self.expect(409, "keyInUse", ["one"], http.post("/v1/runs", other))
            let large = String(repeating: "x", count: 257 * 1024)
            let payload = try http.post("/v1/runs", #"{"workflow": "nap", "context": "\#(large)"}"#)
            try Self.expect(413, "limitExceeded", [], payload)
            try Self.expect(400, "invalidInput", [], http.post("/v1/runs", "{"))
        }

        private static func checkDefinitions(_ http: HTTP) throws {
            let changed = Self.yaml.replacing("1h", with: "2h")
            let path = "/v1/workflows/nap"
            let refused = try http.ask("PUT", path, body: changed, Self.yamlType)
            try Self.expect(409, "definitionChanged", ["nap", "version"], refused)
            let malformed = Self.yaml.replacing("to: done }", with: "to: [done }")
            let answer = try http.ask("PUT", path, body: malformed, Self.yamlType)
            try Self.expect(422, "invalidDefinition", ["line 5", "column"], answer)
            let lost = Self.yaml.replacing("to: done", with: "to: nowhere")
            try Self.expect(422, "invalidDefinition", ["nowhere"], http.ask("PUT", path, body: lost, Self.yamlType))
            let type = ["Content-Type": "image/png"]
            try Self.expect(415, "invalidInput", ["image/png"], http.ask("PUT", path, body: Self.yaml, type))
        }

        /// Checks a refusal: status, code, one line, and what it must name.
        private static func expect(_ status: Int, _ code: String, _ names: [String], _ answer: HTTP.Answer) throws {
            try require(answer.status == status, "\(answer.status) instead of \(status): \(answer.text.prefix(300))")
            let error = try answer.decoded(as: Refusal.self).error
            try require(error.code == code, "\(error.code) instead of \(code): \(error.message.prefix(300))")
            try require(!error.message.contains("\n"), "more than one line: \(error.message.prefix(300))")
            for name in names {
                try require(error.message.contains(name), "'\(name)' is not named: \(error.message.prefix(300))")
            }
        }
    }
}
