// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@testable import CanoCoordinator

/// Requests that nobody in his senses would send, drawn from seeds: each gets an answer, and the process lives.
@Suite("Hostile requests")
struct HostileRequestTests {
    private static let documents = [
        """
        workflow: w
        version: 1
        totalTimeout: 1h
        context: { a: [1, 2.5, null, "x"], b: "\u{1F600}" }
        states:
          list:  { exec: [./list.sh, "{{context.folder}}"], output: json, to: count, retry: { attempts: 3, delay: 1s } }
          count: { split: { over: /files, exec: [wc, -w, "{{item}}"] }, join: { quorum: 80%, within: 60s }, to: pause }
          pause: { wait: 5m, to: ask }
          ask:   { http: { url: "http://127.0.0.1/", headers: { a: b }, status: { 404: retry } }, to: [done, empty],
                   route: [[/words, ">", 0, done]], undo: { http: "http://127.0.0.1/undo" } }
          done:  { exit: true }
          empty: { exit: failure }
        """,
        #"{"workflow": "w", "states": {"a": {"exec": ["x"], "timeout": "5s", "to": "b"}, "b": {"exit": true}}}"#,
        #"{"workflow": "w", "key": "k", "version": 1, "context": {"a": [1e308, -0.0, "\ud83d\ude00"]}}"#,
        #"{"runs": [{"key": "k"}, {"workflow": "x", "context": null}], "workflow": "w"}"#,
    ]

    private static let pieces = [
        "9223372036854775807", "-9223372036854775808", "1e309", "nan", ".inf", "-1", "0x7fffffffffffffff", "ms", "d",
        "%", "null", "~", "[", "]", "{", "}", "&a ", "*a", "<<: ", "!!binary ", "!!int x", "? ", "- ", "|\n", ">\n",
        "\n---\n", "\t", "\u{0}", "\u{FEFF}", "\\ud800", "\\u0000", "\"", "'", "#", ": ", "/~2", "{{", "}}", "\r\n",
    ]

    private static let targets = [
        ("PUT", "/v1/workflows/w"), ("POST", "/v1/runs"), ("POST", "/v1/runs:batch"), ("GET", "/v1/runs"),
        ("GET", "/v1/runs/0190a0a0-0000-7000-8000-000000000007"), ("POST", "/v1/runs/%00/cancel"),
        ("POST", "/v1/runs/0190a0a0-0000-7000-8000-0000000000ff/cancel"), ("GET", "/v1/workflows/%ff%fe"),
        ("DELETE", "/v1/runs"), ("GET", "/v1/workers"),
    ]

    private static let queries = ["wait", "limit", "after", "before", "status", "workflow"]

    /// A document with a few places overwritten, doubled or taken out.
    private static func body(_ random: inout SplitMix64) -> [UInt8] {
        func draw(_ bound: Int) -> Int { Int(random.next() % UInt64(max(1, bound))) }
        if draw(8) == 0 { return (0..<draw(400)).map { _ in UInt8(truncatingIfNeeded: random.next()) } }
        var bytes = Array(Self.documents[draw(Self.documents.count)].utf8)
        for _ in 0...draw(6) {
            let start = draw(bytes.count)
            let end = min(bytes.count, start + draw(12))
            switch draw(4) {
            case 0: bytes.replaceSubrange(start..<end, with: Self.pieces[draw(Self.pieces.count)].utf8)
            case 1: bytes.removeSubrange(start..<end)
            case 2: bytes.insert(contentsOf: Array(bytes[start..<end]), at: draw(bytes.count))
            default: if start < bytes.count { bytes[start] = UInt8(truncatingIfNeeded: random.next()) }
            }
        }
        return bytes
    }

    @Test("every request is answered in one line, and the next one too", arguments: 0..<8 as Range<UInt64>)
    func fuzz(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        try await TestServer.with(parse: { text throws(CanoError) in try WorkflowDocument.parse(text) }) { server in
            for step in 0..<150 {
                func draw(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
                var (method, path) = Self.targets[draw(Self.targets.count)]
                if draw(2) == 0 {
                    let value = PercentCoding.encode(Self.pieces[draw(Self.pieces.count)])
                    path += "?\(Self.queries[draw(Self.queries.count)])=\(value)"
                }
                let type = path.contains("workflows") ? "application/yaml" : "application/json"
                let body = method == "GET" ? nil : Self.body(&random)
                let answer = try await server.raw(
                    method,
                    path,
                    headers: [("Content-Type", type)],
                    bytes: body
                )
                let place =
                    "seed \(seed), step \(step): \(method) \(path) \(String(decoding: body ?? [], as: UTF8.self))"
                #expect(answer.status < 500, "\(answer.body) for \(place)")
                #expect(!answer.body.contains("\n"), "\(place)")
                if answer.status >= 400 { #expect(answer.body.hasPrefix(#"{"error":"#), "\(place)") }
            }
            #expect(try await server.raw("GET", "/healthz").status == 200)
        }
    }
}
