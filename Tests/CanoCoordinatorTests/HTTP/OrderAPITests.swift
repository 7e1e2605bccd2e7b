// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoClient
import CanoEngine
import Testing

@testable import CanoCoordinator

@Suite("HTTP API and client: signals, decisions, migrations")
struct OrderAPITests {
    @Test("a signal reaches the plane with its name, its payload byte for byte, and its id")
    func signal() async throws {
        try await TestServer.with { server in
            try await server.client { client in
                let run = try await client.start(StartRequest(workflow: "w")).id
                let payload = Payload.json(#"{"sum": 1.10}"#)
                #expect(try await client.signal("payment", payload, to: run, id: "a&b"))
                let signal = RunSignal(name: "payment", payload: payload, id: "a&b")
                #expect(server.plane.state.orders == [.signal(signal)])
                #expect(server.plane.state.callers.last == Caller(name: "tester", via: "library"))
                server.plane.change { $0.orderAnswer = .unchanged }
                #expect(try await !client.signal("go", .json("1"), to: run))
                server.plane.change { $0.orderAnswer = .posted }
                let answer = try await server.raw("POST", "/v1/runs/\(run)/signals/go")
                #expect(answer.status == 202)
                #expect(answer.body == #"{"answer":"posted"}"#)
                #expect(server.plane.state.orders.last == .signal(RunSignal(name: "go", payload: .json("null"))))
            }
        }
    }

    @Test("a decision reaches the plane, with and without a body")
    func intervene() async throws {
        try await TestServer.with { server in
            try await server.client { client in
                let run = try await client.start(StartRequest(workflow: "w")).id
                var intervention = Intervention(.resolve, path: .branch(17), note: "by hand", next: "ship")
                intervention.output = .json("[1]")
                try await client.intervene(intervention, in: run)
                #expect(server.plane.state.orders.last == .intervene(intervention))
                #expect(try await server.raw("POST", "/v1/runs/\(run)/retry").status == 200)
                #expect(server.plane.state.orders.last == .intervene(Intervention(.retry)))
                let wrong = try await server.raw(
                    "POST",
                    "/v1/runs/\(run)/skip",
                    headers: [("Content-Type", "application/json")],
                    body: #"{"path": "leaf/3"}"#
                )
                #expect(wrong.status == 400)
                #expect(wrong.body.contains("write it like the timeline: step, expand, branch/17, undo/5"))
            }
        }
    }

    @Test("what a run refuses comes back with its code, as a conflict")
    func refused() async throws {
        try await TestServer.with { server in
            try await server.client { client in
                let run = try await client.start(StartRequest(workflow: "w")).id
                server.plane.change { $0.failure = CanoError(.wrongState, "run is over") }
                await expectError(.wrongState) { _ = try await client.signal("go", .json("1"), to: run) }
                #expect(try await server.raw("POST", "/v1/runs/\(run)/retry").status == 409)
            }
        }
    }

    @Test("a migration reaches the plane, and its report comes back")
    func migrate() async throws {
        try await TestServer.with { server in
            try await server.client { client in
                let order = MigrationOrder(workflow: "w", from: 1, to: 2, map: StateMap(["pack": "wrap"]))
                let report = try await client.migrate(order)
                #expect(report.migrated == 3)
                #expect(server.plane.state.migrations == [order])
            }
            let answer = try await server.raw(
                "POST",
                "/v1/workflows/w/migrate",
                headers: [("Content-Type", "application/json")],
                body: #"{"from": 1, "to": 2, "map": ["pack"]}"#
            )
            #expect(answer.status == 400)
            #expect(answer.body.contains("'pack' in 'map' is no pair of states"))
        }
    }
}
