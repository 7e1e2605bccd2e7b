// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoWorker
import NIOHTTP1
import Testing

@Suite("http")
struct HTTPHandlerTests {
    private func handler(_ server: StubServer, limits: Limits = Limits()) throws -> HTTPHandler {
        HTTPHandler(policy: try HTTPPolicy(allowing: [server.origin]), limits: limits)
    }

    @Test("a value of the URL cannot leave its segment")
    func segments() async throws {
        try await StubServer.run(.init()) { server in
            let arguments = HTTPArguments(
                url: server.origin + "/v1/{{item}}/x?q={{item}}",
                output: OutputRules(format: OutputFormat.none)
            )
            let grant = try makeGrant(.branch(#""a b?c#d&e=é""#), arguments)
            #expect(try await self.handler(server).answer(grant).failure == nil)
            #expect(server.requests.first?.uri == "/v1/a%20b%3Fc%23d%26e%3D%C3%A9/x?q=a%20b%3Fc%23d%26e%3D%C3%A9")
            let climbing = try makeGrant(.branch(#""../admin""#), arguments)
            #expect(try await self.handler(server).answer(climbing).failure?.message.contains("'..'") == true)
            #expect(server.requests.count == 1)
        }
    }

    @Test("a JSON body keeps the kinds of its values, whatever is in them")
    func body() async throws {
        try await StubServer.run(.init()) { server in
            let body = try JSONValue.parse(
                #"{"name":"{{context.name}}","n":"{{context.n}}","t":"n={{context.n}}","l":["{{ item }}"]}"#
            )
            let arguments = HTTPArguments(url: server.origin + "/", headers: ["X-Name": "{{context.n}}"], body: body)
            let grant = try makeGrant(
                .branch(#"{"x":1}"#, context: #"{"name":"\",\"admin\":true","n":1.50}"#),
                arguments
            )
            #expect(try await self.handler(server).answer(grant).failure == nil)
            let request = try #require(server.requests.first)
            #expect(request.body == #"{"l":[{"x":1}],"n":1.50,"name":"\",\"admin\":true","t":"n=1.50"}"#)
            #expect(request.method == "POST")
            #expect(request.headers["X-Name"] == ["1.50"])
            #expect(request.headers["Content-Type"] == ["application/json"])
            #expect(request.headers["Idempotency-Key"] == [grant.idempotencyKey])
        }
    }

    @Test("a text body is sent as it is rendered, and a step may set the key itself")
    func textBody() async throws {
        try await StubServer.run(.init()) { server in
            let arguments = HTTPArguments(
                method: "PATCH",
                url: server.origin + "/",
                headers: ["idempotency-key": "mine"],
                body: .string("<{{item}}>")
            )
            let grant = try makeGrant(.branch(#""a&b""#), arguments)
            #expect(try await self.handler(server).answer(grant).failure == nil)
            #expect(server.requests.first?.body == "<a&b>")
            #expect(server.requests.first?.headers["Idempotency-Key"] == ["mine"])
        }
    }

    @Test("a line end in a header is refused")
    func headerInjection() async throws {
        try await StubServer.run(.init()) { server in
            let arguments = HTTPArguments(url: server.origin + "/", headers: ["X-A": "{{item}}"])
            let grant = try makeGrant(.branch(#""a\r\nX-Admin: yes""#), arguments)
            #expect(try await self.handler(server).answer(grant).failure?.code == "invalidArguments")
            #expect(server.requests.isEmpty)
        }
    }

    @Test(
        "the body of the answer is merged, stored or thrown away",
        arguments: [
            (OutputRules(), #"{"a":1,"b":2}"#), (OutputRules(format: .text, into: "t"), #"{"a":1,"t":"{\"b\":2}"}"#),
            (OutputRules(format: OutputFormat.none), nil),
        ]
    )
    func output(rules: OutputRules, context: String?) async throws {
        try await StubServer.run(.init(body: #"{"b":2}"#)) { server in
            let grant = try makeGrant(.task(#"{"a":1}"#), HTTPArguments(url: server.origin, output: rules))
            #expect(try await self.handler(server).answer(grant).context == context)
        }
    }

    @Test(
        "statuses mean what they usually do, unless the step says otherwise",
        arguments: [
            (200, nil, nil), (204, nil, nil), (302, false, nil), (400, false, nil), (404, nil, "missing"),
            (408, true, nil),
            (409, false, nil), (410, true, nil), (429, true, nil), (500, true, nil), (503, false, nil),
        ] as [(Int, Bool?, String?)]
    )
    func statuses(status: Int, retryable: Bool?, next: String?) async throws {
        try await StubServer.run(.init(status: status, headers: [("Location", "http://127.0.0.1:1/")])) { server in
            let rules: [String: OutcomeRule] = ["404": .next("missing"), "410": .retry, "503": .fail]
            let grant = try makeGrant(.task("{}"), HTTPArguments(url: server.origin, status: rules), next: ["missing"])
            let answer = try await self.handler(server).answer(grant)
            #expect(answer.failure?.isRetryable == retryable)
            #expect(answer.next == next)
            if let failure = answer.failure {
                #expect(failure.code == "status")
                #expect(failure.message.contains("answered \(status)"))
            }
        }
    }

    @Test(
        "a server that broke in the middle may have done the work, one that refused has not",
        arguments: [(404, false), (429, false), (500, true), (501, false), (502, true), (503, false), (504, true)]
    )
    func doubt(status: Int, leavesDoubt: Bool) async throws {
        try await StubServer.run(.init(status: status)) { server in
            let arguments = HTTPArguments(url: server.origin, output: OutputRules(isKept: true))
            let answer = try await self.handler(server).answer(makeGrant(.task("{}"), arguments))
            let isInDoubt = if case .stopped = answer { true } else { false }
            #expect(isInDoubt == leavesDoubt)
        }
    }

    @Test("a class of statuses can be mapped")
    func statusClass() async throws {
        try await StubServer.run(.init(status: 418, body: "teapot")) { server in
            let grant = try makeGrant(.task("{}"), HTTPArguments(url: server.origin, status: ["4xx": .retry]))
            let failure = try await self.handler(server).answer(grant).failure
            #expect(failure?.isRetryable == true)
            #expect(failure?.message.hasSuffix(": teapot") == true)
        }
    }

    @Test(
        "Retry-After sets the pause",
        arguments: [
            ("7", Span.seconds(7)), ("Sun, 06 Nov 1994 08:50:37 GMT", .seconds(60)), ("999999999", .seconds(86400)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", .seconds(0)), ("soon", nil), ("-1", nil),
        ]
    )
    func retryAfter(header: String, pause: Span?) async throws {
        let headers = [("Retry-After", header), ("Date", "Sun, 06 Nov 1994 08:49:37 GMT")]
        try await StubServer.run(.init(status: 503, headers: headers)) { server in
            let answer = try await self.handler(server)
                .answer(makeGrant(.task("{}"), HTTPArguments(url: server.origin)))
            guard case .failed(_, let retryAfter) = answer else {
                Issue.record("\(answer)")
                return
            }
            #expect(retryAfter == pause)
        }
    }

    @Test("an answer over the limit is named")
    func tooLarge() async throws {
        try await StubServer.run(.init(body: String(repeating: "x", count: 2000))) { server in
            let grant = try makeGrant(.task("{}"), HTTPArguments(url: server.origin))
            let failure = try await self.handler(server, limits: Limits { $0.payloadBytes = 1000 }).answer(grant)
                .failure
            #expect(failure?.code == "limitExceeded")
            #expect(failure?.message.contains("limit of 1000 bytes") == true)
        }
    }

    @Test("a connection that is refused may be tried again")
    func refused() async throws {
        let origin = try await StubServer.run(.init()) { $0.origin }
        let handler = HTTPHandler(policy: try HTTPPolicy(allowing: [origin]))
        let failure = await handler.answer(try makeGrant(.task("{}"), HTTPArguments(url: origin))).failure
        #expect(failure?.code == "connect")
        #expect(failure?.isRetryable == true)
    }

    @Test("a server that does not answer is given up at the timeout")
    func timeout() async throws {
        try await StubServer.run(nil) { server in
            let grant = try makeGrant(.task("{}"), HTTPArguments(url: server.origin))
            let answer = try await self.handler(server).answer(grant, within: .milliseconds(300))
            guard case .stopped(let failure) = answer else {
                Issue.record("\(answer)")
                return
            }
            #expect(failure.code == "timeout")
        }
    }

    @Test("a cancelled request answers stopped")
    func cancel() async throws {
        try await StubServer.run(nil) { server in
            let grant = try makeGrant(.task("{}"), HTTPArguments(url: server.origin))
            let handler = try self.handler(server)
            let answer = try await withThrowingTaskGroup(of: AttemptReport.Result.self) { group in
                group.addTask { await handler.answer(grant) }
                let deadline = ContinuousClock.now.advanced(by: .seconds(60))
                while server.requests.isEmpty, ContinuousClock.now < deadline {
                    try await Task.sleep(for: .milliseconds(5))
                }
                group.cancelAll()
                return try await group.next()
            }
            guard case .stopped(let failure)? = answer else {
                Issue.record("\(String(describing: answer))")
                return
            }
            #expect(failure.code == "cancelled")
        }
    }
}
