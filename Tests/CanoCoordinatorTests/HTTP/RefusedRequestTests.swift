// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoClient
import CanoEngine
import Testing

@testable import CanoCoordinator

@Suite("HTTP requests that are refused")
struct RefusedRequestTests {
    private static let json = ("Content-Type", "application/json")

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var method = "POST"
        var path = "/v1/runs"
        var headers = [RefusedRequestTests.json]
        var body: String? = #"{"workflow":"w"}"#
        var status: Int
        var mention: String
    }

    static let cases: [Case] = [
        Case(testDescription: "garbage", body: "{\n  oops", status: 400, mention: "line 2, column 3"),
        Case(testDescription: "no workflow", body: "{}", status: 400, mention: "lacks 'workflow'"),
        Case(testDescription: "wrong type", body: #"{"workflow":7}"#, status: 400, mention: "must be a string"),
        Case(
            testDescription: "misspelt member",
            body: #"{"workflow":"w","contxt":{}}"#,
            status: 400,
            mention: "unknown member 'contxt'"
        ),
        Case(testDescription: "unknown workflow", body: #"{"workflow":"unknown"}"#, status: 404, mention: "unknown"),
        Case(testDescription: "no content type", headers: [], status: 415, mention: "application/json"),
        Case(
            testDescription: "form content type",
            headers: [("Content-Type", "text/plain")],
            status: 415,
            mention: "application/json"
        ),
        Case(
            testDescription: "foreign host",
            headers: [json, ("Host", "evil.example:7228")],
            status: 421,
            mention: "evil.example"
        ),
        Case(
            testDescription: "host that begins like loopback",
            headers: [json, ("Host", "127.0.0.1.evil.example")],
            status: 421,
            mention: "evil.example"
        ),
        Case(
            testDescription: "foreign page",
            headers: [json, ("Origin", "http://evil.example")],
            status: 403,
            mention: "evil.example"
        ),
        Case(
            testDescription: "body too large",
            body: "{\"workflow\":\"" + String(repeating: "x", count: 400_000) + "\"}",
            status: 413,
            mention: "bytes"
        ),
        Case(testDescription: "unknown path", path: "/v2/runs", status: 404, mention: "/v2/runs"),
        Case(testDescription: "unknown method", method: "DELETE", status: 404, mention: "DELETE"),
        Case(
            testDescription: "no run id",
            method: "GET",
            path: "/v1/runs/seven",
            body: nil,
            status: 404,
            mention: "'seven' is not a run id"
        ),
        Case(
            testDescription: "unknown status",
            method: "GET",
            path: "/v1/runs?status=happy",
            body: nil,
            status: 400,
            mention: "succeeded"
        ),
        Case(
            testDescription: "page too long",
            method: "GET",
            path: "/v1/runs?limit=100000",
            body: nil,
            status: 400,
            mention: "1000"
        ),
        Case(
            testDescription: "time without a unit",
            method: "GET",
            path: "/v1/runs/01900000-0000-7000-8000-000000000000?wait=30",
            body: nil,
            status: 400,
            mention: "30s"
        ),
    ]

    @Test("each gets one line that names the culprit, and the server lives", arguments: cases)
    func refused(_ wanted: Case) async throws {
        try await TestServer.with { server in
            let answer = try await server.raw(
                wanted.method,
                wanted.path,
                headers: wanted.headers,
                body: wanted.body
            )
            #expect(answer.status == wanted.status, "\(answer.body)")
            #expect(answer.body.contains(wanted.mention), "\(answer.body)")
            let body = try JSONMembers(JSONText(Array(answer.body.utf8), subject: "it"), subject: "it")
            let error = try #require(try ErrorBody.read(body, fallback: .storeCorrupt))
            #expect(error.code != .storeCorrupt)
            #expect(!error.message.contains("\n"))
            #expect(try await server.raw("GET", "/healthz").status == 200)
        }
    }

    @Test("a batch with too many starts is refused as a whole")
    func tooManyStarts() async throws {
        let limits = Limits { $0.startsPerRequest = 2 }
        try await TestServer.with(.init { $0.limits = limits }) { server in
            let body = #"{"workflow":"w","runs":[{},{},{}]}"#
            let answer = try await server.raw("POST", "/v1/runs:batch", headers: [Self.json], body: body)
            #expect(answer.status == 413)
            #expect(server.plane.state.starts.isEmpty)
        }
    }

    @Test("a configured token is needed for everything but health checks")
    func token() async throws {
        try await TestServer.with(.init { $0.token = "secret" }) { server in
            #expect(try await server.raw("GET", "/v1/workers").status == 401)
            let wrong = [("Authorization", "Bearer secreT")]
            #expect(try await server.raw("GET", "/v1/workers", headers: wrong).status == 401)
            #expect(try await server.raw("GET", "/healthz").status == 200)
            let workers = try await server.client(token: "secret") { try await $0.workers() }
            #expect(workers.isEmpty)
            await expectError(.unauthorized) {
                _ = try await server.client(token: "no") { try await $0.workers() }
            }
        }
    }

    @Test("a configured host name is answered")
    func allowedHost() async throws {
        try await TestServer.with(.init { $0.allowedHosts = ["Cano.Internal"] }) { server in
            let headers = [("Host", "cano.internal:80")]
            let answer = try await server.raw("GET", "/healthz", headers: headers)
            #expect(answer.status == 200)
        }
    }

    @Test("a coordinator that is not ready says so with 503")
    func notReady() async throws {
        try await TestServer.with { server in
            #expect(try await server.raw("GET", "/readyz").status == 200)
            server.plane.change {
                $0.readiness = Readiness(isReady: false, detail: "the store is away", ownedShards: 0)
            }
            let answer = try await server.raw("GET", "/readyz")
            #expect(answer.status == 503)
            #expect(answer.body == #"{"detail":"the store is away","ready":false,"shards":0}"#)
        }
    }

    @Test(
        "errors of the plane keep their code and get a fitting status",
        arguments: [
            (CanoError.Code.storeUnavailable, 503), (.keyInUse, 409), (.definitionChanged, 409), (.limitExceeded, 413),
            (.shuttingDown, 503), (.storeCorrupt, 500),
        ]
    )
    func planeErrors(code: CanoError.Code, status: Int) async throws {
        try await TestServer.with { server in
            server.plane.change { $0.failure = CanoError(code, "because") }
            let answer = try await server.raw(
                "POST",
                "/v1/runs",
                headers: [Self.json],
                body: #"{"workflow":"w"}"#
            )
            #expect(answer.status == status)
            #expect(answer.body == #"{"error":{"code":"\#(code.name)","message":"because"}}"#)
        }
    }
}
