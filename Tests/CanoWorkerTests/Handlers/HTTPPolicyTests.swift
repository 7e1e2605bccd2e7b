// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoWorker
import Testing

@Suite("--allow-http")
struct HTTPPolicyTests {
    /// The code of the failure before any connection is made; `connect` or later means that the request was allowed.
    private func code(_ url: String, allowing prefix: String) async throws -> String? {
        let handler = HTTPHandler(policy: try HTTPPolicy(allowing: [prefix]))
        return await handler.answer(try makeGrant(.task("{}"), HTTPArguments(url: url)), within: .seconds(20)).failure?
            .code
    }

    // Port 1 is a port that nobody listens on; what is allowed fails to connect.
    @Test(
        "a prefix covers its path and what is below it",
        arguments: [
            "http://127.0.0.1:1/api", "http://127.0.0.1:1/api/", "http://127.0.0.1:1/api/v1?x=1",
            "HTTP://127.0.0.1:1/api?x",
        ]
    )
    func allowed(url: String) async throws {
        #expect(try await self.code(url, allowing: "http://127.0.0.1:1/api") == "connect")
    }

    @Test(
        "nothing else is reached, and no trick helps",
        arguments: [
            ("http://127.0.0.1:1/apis", "notAllowed"), ("http://127.0.0.1:1/", "notAllowed"),
            ("http://127.0.0.1:1", "notAllowed"),
            ("http://127.0.0.1:2/api", "notAllowed"), ("https://127.0.0.1:1/api", "notAllowed"),
            ("http://127.0.0.1/api", "notAllowed"),
            ("http://localhost:1/api", "notAllowed"), ("http://127.0.0.1.evil.example:1/api", "notAllowed"),
            ("http://127.0.0.1:1@evil.example/api", "invalidArguments"),
            ("http://127.0.0.1:1/api/../admin", "invalidArguments"),
            ("http://127.0.0.1:1/api/%2e%2E/admin", "invalidArguments"),
            ("http://127.0.0.1:1/api/..%2fadmin", "invalidArguments"),
            ("http://127.0.0.1:1/api/..%5Cadmin", "invalidArguments"),
            ("http://127.0.0.1:1\\@evil/api", "invalidArguments"),
            ("http://127.0.0.1:1/api#x", "invalidArguments"), ("http://127.0.0.1:1/api x", "invalidArguments"),
            ("http://127.0.0.1:1/api\r\nX: y", "invalidArguments"), ("//127.0.0.1:1/api", "invalidArguments"),
            ("file:///etc/passwd", "invalidArguments"), ("unix:///run/x", "invalidArguments"),
            ("http:///api", "invalidArguments"),
            ("http://127.0.0.1:99999/api", "invalidArguments"), ("http://127.0.0.1:1x/api", "invalidArguments"),
            ("http://[::1/api", "invalidArguments"), ("http://ex%61mple/api", "invalidArguments"),
        ]
    )
    func refused(url: String, code: String) async throws {
        #expect(try await self.code(url, allowing: "http://127.0.0.1:1/api") == code, "\(url)")
    }

    @Test("the refusal names the address, without its query, and the remedy")
    func message() async throws {
        let handler = HTTPHandler(policy: try HTTPPolicy(allowing: ["https://api.example"]))
        let failure =
            await handler.answer(
                try makeGrant(.task("{}"), HTTPArguments(url: "https://other.example/v1?token=secret"))
            )
            .failure
        #expect(failure?.isRetryable == false)
        #expect(
            failure?.message == "this worker may not send requests to 'https://other.example/v1'; "
                + "start the worker with --allow-http https://other.example/v1"
        )
    }

    @Test(
        "hosts are compared without case, usual ports are known",
        arguments: [
            ("http://LOCALHOST:80/x", "http://localhost/"), ("https://[::1]:443/", "https://[::1]"),
        ]
    )
    func equal(url: String, prefix: String) async throws {
        #expect(try await self.code(url, allowing: prefix) != "notAllowed")
    }

    @Test(
        "a prefix that is not a plain URL is refused at the start",
        arguments: [
            "localhost", "ftp://host/", "http://user@host/", "http://host/?q", "http://host/a/../b", "",
        ]
    )
    func prefixes(prefix: String) {
        let error = #expect(throws: CanoError.self) { try HTTPPolicy(allowing: [prefix]) }
        #expect(error?.message.contains("--allow-http '\(prefix)'") == true)
    }
}
