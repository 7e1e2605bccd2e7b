// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoWorker
import Testing

@Suite("Output of a step")
struct ExecOutputTests {
    private func run(
        _ body: String,
        _ input: LeaseGrant.Input,
        _ rules: OutputRules = OutputRules(),
        next: [String] = ["done"],
        limits: Limits = Limits()
    ) async throws -> AttemptReport.Result {
        let scripts = try Scripts()
        let arguments = ExecArguments(argv: [try scripts.add("say", body)], output: rules)
        return try await scripts.handler(limits).answer(makeGrant(input, arguments, next: next))
    }

    @Test("a task's JSON is merged into the context")
    func merge() async throws {
        let answer = try await self.run(#"echo '{"b":{"d":2},"c":null}'"#, .task(#"{"a":1.10,"b":{"x":1},"c":3}"#))
        #expect(answer.context == #"{"a":1.10,"b":{"x":1,"d":2}}"#)
        #expect(answer.next == nil)
    }

    @Test("a poll that is not ready leaves everything to the next attempt")
    func pending() async throws {
        let until = RouteRule(pointer: "/ready", comparison: .equal, value: .bool(true), next: "")
        let rules = OutputRules(until: until)
        let again = AttemptReport.Result.completed(.again(cursor: nil, after: nil))
        #expect(try await self.run(#"echo '{"ready":false}'"#, .task("{}"), rules) == again)
        let ready = try await self.run(#"echo '{"ready":true}'"#, .task("{}"), rules)
        #expect(ready.context == #"{"ready":true}"#)
        let scripts = try Scripts()
        let arguments = ExecArguments(argv: [try scripts.add("say", "exit 3")], exits: [3: .pending])
        #expect(try await scripts.handler(Limits()).answer(makeGrant(.task("{}"), arguments, next: ["done"])) == again)
    }

    @Test("no output at all leaves the context as it is", arguments: ["true", "echo", "echo '{}'"])
    func unchanged(body: String) async throws {
        #expect(try await self.run(body, .task(#"{"a":1}"#)) == .completed(.task(context: nil, next: nil, output: nil)))
    }

    @Test(
        "a task's text and lines are stored under a key",
        arguments: [
            (OutputRules(format: .text), #"{"work":"a  b\nc"}"#),
            (OutputRules(format: .text, into: "t"), #"{"t":"a  b\nc"}"#),
            (OutputRules(format: .lines, into: "l"), #"{"l":["a  b","c"]}"#),
            (OutputRules(format: OutputFormat.none), nil),
        ]
    )
    func stored(rules: OutputRules, context: String?) async throws {
        #expect(try await self.run(#"printf 'a  b\nc\n\n'"#, .task("{}"), rules).context == context)
    }

    @Test(
        "lines end at LF, with or without CR, and need no last line end",
        arguments: [
            ("", "[]"), (#"a\nb"#, #"["a","b"]"#), (#"a\r\nb\r\n"#, #"["a","b"]"#), (#"a\n\nb\n"#, #"["a","","b"]"#),
            (#"\n"#, "[]"),
        ]
    )
    func lines(printed: String, output: String) async throws {
        #expect(try await self.run("printf '\(printed)'", .branch("1"), OutputRules(format: .lines)).output == output)
    }

    @Test("a branch's output is its result and nothing else")
    func branch() async throws {
        let json = try await self.run(#"echo ' {"a": 1} '"#, .branch("1", context: #"{"a":0}"#))
        #expect(json == .completed(.output(.json(#"{"a":1}"#))))
        let text = try await self.run("echo hello", .branch("1"), OutputRules(format: .text))
        #expect(text == .completed(.output(Payload(bytes: Array("hello".utf8), type: .text))))
        #expect(try await self.run("true", .branch("1")) == .completed(.output(.json("null"))))
    }

    @Test("an expansion gives the items, as JSON")
    func expand() async throws {
        let input = LeaseGrant.Input.expand(context: .emptyObject, branches: nil)
        let lines = try await self.run(#"printf 'a\nb"\n'"#, input, OutputRules(format: .lines))
        #expect(lines == .completed(.items([.json(#""a""#), .json(#""b\"""#)])))
        let json = try await self.run(#"echo '[1,{"x":[]},"s"]'"#, input)
        #expect(json == .completed(.items([.json("1"), .json(#"{"x":[]}"#), .json(#""s""#)])))
        #expect(try await self.run("echo '{}'", input).failure?.code == "invalidOutput")
        #expect(try await self.run("true", input).failure?.code == "invalidOutput")
    }

    @Test("items over a limit are refused with the limit")
    func expandLimits() async throws {
        let input = LeaseGrant.Input.expand(context: .emptyObject, branches: nil)
        let many = Limits { $0.branches = 3 }
        let failure = try await self.run("echo '[1,2,3,4]'", input, limits: many).failure
        #expect(failure?.code == "limitExceeded")
        #expect(failure?.message.contains("4 items, more than the limit of 3") == true)
        let large = Limits { $0.payloadBytes = 4 }
        #expect(
            try await self.run(#"echo '["abcd"]'"#, input, limits: large).failure?.message.contains("item 0") == true
        )
        let together = Limits { $0.splitBytes = 10 }
        #expect(try await self.run("echo [1,2,3]", input, limits: together).failure?.code == "limitExceeded")
    }

    @Test(
        "what cannot be merged fails for good and says why",
        arguments: [
            ("echo hello", "not JSON"), ("echo '[1]'", "an array"), ("echo 7", "a number"),
            ("printf '{\"a\":'", "not JSON"),
        ]
    )
    func invalid(body: String, reason: String) async throws {
        let failure = try await self.run(body, .task("{}")).failure
        #expect(failure?.code == "invalidOutput")
        #expect(failure?.isRetryable == false)
        #expect(failure?.message.contains(reason) == true, "\(failure?.message ?? "")")
        #expect(failure?.message.contains("output: text") == true)
    }

    @Test("text that is not UTF-8 is refused")
    func notUTF8() async throws {
        let failure = try await self.run(#"printf 'a\377'"#, .branch("1"), OutputRules(format: .text)).failure
        #expect(failure?.code == "invalidOutput")
    }

    @Test("what a compensatable task gave is kept for its undo")
    func kept() async throws {
        let answer = try await self.run(#"echo '{"id":7}'"#, .task("{}"), OutputRules(isKept: true))
        #expect(answer == .completed(.task(context: .json(#"{"id":7}"#), next: nil, output: .json(#"{"id":7}"#))))
    }

    // MARK: Routes

    private static let rules = [
        RouteRule(pointer: "/n", comparison: .greater, value: .number(JSONNumber(10)), next: "many"),
        RouteRule(pointer: "/n", comparison: .greater, value: .number(JSONNumber(0)), next: "some"),
    ]

    @Test(
        "the route is chosen from the merged context, else it is the last state",
        arguments: [
            (11, "many"), (1, "some"), (0, "none"),
        ]
    )
    func route(count: Int, next: String) async throws {
        let rules = OutputRules(route: Self.rules)
        let answer = try await self.run(
            #"echo '{"n":\#(count)}'"#,
            .task(#"{"n":0}"#),
            rules,
            next: ["many", "some", "none"]
        )
        #expect(answer.next == next)
    }

    @Test("without output the route is chosen from the context as it was")
    func routeUnchanged() async throws {
        let rules = OutputRules(route: Self.rules)
        #expect(try await self.run("true", .task(#"{"n":5}"#), rules, next: ["some", "none"]).next == "some")
    }

    @Test("without a route, a step with several states goes to the last one")
    func lastState() async throws {
        #expect(try await self.run("true", .task("{}"), next: ["a", "b"]).next == "b")
    }

    // MARK: Limits

    @Test("output over the limit ends the program and is named")
    func tooLarge() async throws {
        let limits = Limits { $0.payloadBytes = 1000 }
        let failure = try await self.run("while :; do echo aaaaaaaaaaaaaaaa; done", .task("{}"), limits: limits).failure
        #expect(failure?.code == "limitExceeded")
        #expect(failure?.isRetryable == false)
        #expect(failure?.message.contains("limit of 1000 bytes") == true)
    }

    @Test("a context that grew over the limit is named")
    func contextTooLarge() async throws {
        let limits = Limits { $0.payloadBytes = 40 }
        let failure =
            try await self.run(
                #"echo '{"b":"bbbbbbbbbbbbbbb"}'"#,
                .task(#"{"a":"aaaaaaaaaaaaaaaaaaa"}"#),
                limits: limits
            )
            .failure
        #expect(failure?.code == "limitExceeded")
        #expect(failure?.message.contains("limit of 40") == true)
    }
}
