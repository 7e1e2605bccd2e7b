// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoClient
import CanoEngine
import Testing

@testable import CanoCoordinator

@Suite("A client while the coordinator is away")
struct PatientClientTests {
    /// Starts a run on a server that is gone afterwards; gives the port that it had.
    private static func startAndLeave(_ plane: FakePlane) async throws -> (port: Int, run: RunID) {
        let found = Guarded<(Int, RunID)?>(nil)
        try await TestServer.with(plane: plane) { server in
            let run = try await server.client { try await $0.start(StartRequest(workflow: "w")).id }
            found.withLock { $0 = (server.port, run) }
        }
        return try #require(found.withLock { $0 })
    }

    private static func configuration(_ port: Int, patience: Duration) -> CanoClient.Configuration {
        CanoClient.Configuration {
            $0.url = "http://127.0.0.1:\(port)"
            $0.patience = patience
        }
    }

    @Test("whoever waits for a run goes on when the coordinator is back")
    func comesBack() async throws {
        let plane = FakePlane()
        let (port, run) = try await Self.startAndLeave(plane)
        plane.change { $0.finishOnWait = true }
        let waiting = Task {
            try await CanoClient.withClient(Self.configuration(port, patience: .seconds(600))) { client in
                try await client.waitUntilFinished(run).status
            }
        }
        // It has met nobody by then.
        try await Task.sleep(for: .milliseconds(300))
        try await TestServer.with(plane: plane, port: port) { _ in
            let status = try await waiting.value
            #expect(status == .succeeded)
        }
    }

    @Test("patience ends, and a shorter timeout ends it earlier", arguments: [true, false])
    func ends(hasTimeout: Bool) async throws {
        let (port, run) = try await Self.startAndLeave(FakePlane())
        let patience = Duration.milliseconds(hasTimeout ? 3_600_000 : 200)
        try await CanoClient.withClient(Self.configuration(port, patience: patience)) { client in
            let error = await #expect(throws: CanoError.self) {
                try await client.waitUntilFinished(run, timeout: hasTimeout ? .milliseconds(200) : nil)
            }
            #expect(error?.code == .unreachable)
        }
    }

    @Test("an answer that is an error is not asked for again")
    func refused() async throws {
        let plane = FakePlane()
        try await TestServer.with(plane: plane) { server in
            let stranger = RunID(at: FakePlane.epoch, shard: ShardID(rawValue: 1), random: (5, 5))
            try await server.client { client in
                _ = await expectError(.unknownRun) { _ = try await client.waitUntilFinished(stranger) }
            }
            #expect(plane.state.waits.count == 1)
        }
    }

    @Test("a start is never sent twice: nobody knows whether the first one was heard")
    func startOnce() async throws {
        let plane = FakePlane()
        plane.change { $0.failure = CanoError(.storeUnavailable, "away") }
        try await TestServer.with(plane: plane) { server in
            try await server.client { client in
                _ = await expectError(.storeUnavailable) { _ = try await client.start(StartRequest(workflow: "w")) }
            }
            #expect(plane.state.starts.isEmpty)
        }
    }

    @Test("a token that no header can carry is named, and a name that none can is spelt out of ASCII")
    func headers() async throws {
        try await TestServer.with { server in
            let configuration = CanoClient.Configuration {
                $0.url = server.url
                $0.token = "two words\n"
            }
            try await CanoClient.withClient(configuration) { client in
                _ = await expectError(.invalidInput) { _ = try await client.runs() }
            }
            let named = CanoClient.Configuration {
                $0.url = server.url
                $0.actor = "Zoë\n"
            }
            try await CanoClient.withClient(named) { client in
                _ = try await client.start(StartRequest(workflow: "w"))
            }
            #expect(server.plane.state.callers.last?.name == "Zo??")
        }
    }

    @Test(
        "the name of a workflow is found in every form of a document",
        arguments: [
            "workflow: w\nstates: {}", "version: 1\nworkflow: 'w' # comment", "{\"workflow\": \"w\"}",
            "{ workflow: w, states: {} }", "{version: 1,\n workflow: \"w\"}",
        ]
    )
    func names(document: String) throws {
        let request = try CanoClient.request(apply: document)
        #expect(request.target == "/v1/workflows/w")
    }
}
