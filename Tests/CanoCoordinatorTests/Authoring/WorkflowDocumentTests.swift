// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoCoordinator
import CanoEngine
import Testing

@Suite("Workflow documents")
struct WorkflowDocumentTests {
    private func step(_ text: String, in state: String = "a") throws -> StepDefinition {
        let document = """
            workflow: w
            states:
              \(state): \(text)
              b: { exit: true }
              c: { exit: failure }
            """
        // Not every one of these reaches c; add a way there that changes nothing about the state in question.
        let definition = try WorkflowDocument.parse(
            document.replacing(
                "b: { exit: true }",
                with: "b: { route: [[/x, exists, c]], to: [c, d] }\n  d: { exit: true }"
            )
        )
        return try #require(definition.states.first { $0.name == state }?.step)
    }

    private func task(_ text: String) throws -> TaskDefinition {
        guard case .task(let run, _) = try self.step(text) else { throw CanoError(.invalidInput, "not a task") }
        return run
    }

    @Test("limits of a state, of a split's branches, and of the branches themselves")
    func limits() throws {
        let task = try self.task(
            "{ exec: [x], limits: [{ concurrency: db, max: 10 }, { rate: github, max: 50, per: 60s }], to: b }"
        )
        #expect(task.limits == [DeclaredLimit("db", .concurrency(10)), .init("github", .rate(50, per: .seconds(60)))])
        let breaker = try self.task(
            "{ exec: [x], limits: { breaker: pay, percent: 50, calls: 9, window: 1m, open: 5s, probes: 2 }, to: b }"
        )
        let policy = BreakerPolicy {
            $0.consecutiveFailures = nil
            $0.failureRate = .init(percent: 50, minimumCalls: 9, window: .seconds(60))
            $0.openTime = .seconds(5)
            $0.probes = 2
        }
        #expect(breaker.limits == [DeclaredLimit("pay", .breaker(policy))])
        let plain = try self.task("{ exec: [x], limits: [{ breaker: pay, failures: 3, successes: 2 }], to: b }")
        let rows = BreakerPolicy {
            $0.consecutiveFailures = 3
            $0.closingSuccesses = 2
        }
        #expect(plain.limits == [DeclaredLimit("pay", .breaker(rows))])
        guard
            case .split(let split, _) = try self.step(
                "{ split: { over: /f, exec: [x] }, limits: { concurrency: db, max: 2 }, to: b }"
            )
        else { return #expect(Bool(false)) }
        #expect(try #require(split.branch).limits == [DeclaredLimit("db", .concurrency(2))])
        #expect(try #require(split.expand).limits == nil)
    }

    @Test("the document of the README")
    func example() throws {
        let definition = try WorkflowDocument.parse(
            """
            workflow: count-licences
            version: 3
            start: list
            context: { folder: /usr/share/common-licenses }
            totalTimeout: 1h30m
            states:
              list:   { exec: [./list.sh, "{{context.folder}}"], output: json, to: count }
              count:
                split: { over: /files, exec: [wc, -w, "{{item}}"], output: text }
                join: { quorum: 80%, within: 60s }
                retry: { attempts: 3 }
                to: report
              report:
                exec: [./report.sh]
                undo: { exec: [./retract.sh] }
                route: [[/words, ">", 0, done]]
                to: [done, empty]
              done:   { exit: true }
              empty:  { exit: failure }
            """
        )
        #expect(definition.key == DefinitionKey(name: "count-licences", version: 3))
        #expect(definition.start == "list")
        #expect(definition.timeout == .seconds(5400))
        #expect(definition.context == .json(#"{"folder":"/usr/share/common-licenses"}"#))
        #expect(definition.states.map(\.name) == ["list", "count", "report", "done", "empty"])

        guard case .task(let list, ["count"]) = definition.states[0].step else { return #expect(Bool(false)) }
        #expect(list.handler == "exec")
        #expect(list.name == "exec ./list.sh")
        let listed = ExecArguments(argv: ["./list.sh", "{{context.folder}}"], output: OutputRules(format: .json))
        #expect(try ExecArguments(payload: list.arguments) == listed)

        guard case .split(let split, "report") = definition.states[1].step else { return #expect(Bool(false)) }
        #expect(split.expand?.handler == "route")
        #expect(try RouteArguments(payload: split.expand?.arguments) == RouteArguments(over: "/files"))
        let counted = ExecArguments(argv: ["wc", "-w", "{{item}}"], output: OutputRules(format: .text))
        #expect(try ExecArguments(payload: split.branch?.arguments) == counted)
        #expect(split.branch?.retry.maximumAttempts == 3)
        #expect(split.join == JoinPolicy(.quorumPercent(80), within: .seconds(60)))

        guard case .task(let report, ["done", "empty"]) = definition.states[2].step else { return #expect(Bool(false)) }
        let rule = RouteRule(pointer: "/words", comparison: .greater, value: .number(JSONNumber(0)), next: "done")
        let reported = ExecArguments(argv: ["./report.sh"], output: OutputRules(route: [rule], isKept: true))
        #expect(try ExecArguments(payload: report.arguments) == reported)
        let retract = ExecArguments(argv: ["./retract.sh"], output: OutputRules(format: OutputFormat.none))
        #expect(try ExecArguments(payload: report.undo?.arguments) == retract)
        #expect(report.undo?.coversUnknown == true)
        #expect(definition.states[3].step == .exit(.success))
        #expect(definition.states[4].step == .exit(.failure))
    }

    @Test("version and start have defaults")
    func defaults() throws {
        let definition = try WorkflowDocument.parse("{ workflow: w, states: { a: { exit: success } } }")
        #expect(definition.version == 1)
        #expect(definition.start == "a")
        #expect(definition.context == nil)
        #expect(definition.timeout == nil)
    }

    @Test("JSON is a document too, with tabs, and gives the same definition")
    func json() throws {
        let yaml = try WorkflowDocument.parse(
            "{workflow: w, context: {n: 1.50, s: '1'}, states: {a: {wait: 5m, to: b}, b: {exit: true}}}"
        )
        let json = try WorkflowDocument.parse(
            "{\n\t\"workflow\": \"w\",\n\t\"context\": {\"n\": 1.50, \"s\": \"1\"},\n\t\"states\": {\n\t\t\"a\": "
                + "{\"wait\": \"5m\", \"to\": \"b\"},\n\t\t\"b\": {\"exit\": true}\n\t}\n}\n"
        )
        #expect(json == yaml)
    }

    @Test("characters that JSON escapes in two halves are read, and only those")
    func surrogates() throws {
        let definition = try WorkflowDocument.parse(
            #"{"workflow":"w","context":{"a":"\ud83d\uDE00!","b":"\\ud83d","c":"\u00e9"},"states":{"a":{"exit":true}}}"#
        )
        #expect(definition.context == .json(#"{"a":"😀!","b":"\\ud83d","c":"é"}"#))
    }

    @Test("the same text always gives the same digest")
    func digest() throws {
        let text =
            "{workflow: w, states: {a: {http: {url: 'http://h/', headers: {B: 1, A: 2, C: 3}}, to: b}, "
            + "b: {exit: true}}}"
        #expect(try WorkflowDocument.parse(text).digest == WorkflowDocument.parse(text).digest)
    }

    // MARK: Steps

    @Test("retries, timeouts, exit codes and places of output")
    func policies() throws {
        let task = try self.task(
            "{ exec: [x, '', 7], output: lines, into: found, timeout: 2s, "
                + "exits: { 0: ok, 3: { next: c }, 75: retry, 4: fail }, "
                + "retry: { attempts: 9, delay: 1s, multiplier: 1.5, max: 1m, jitter: 0 }, to: [b, c] }"
        )
        #expect(task.timeout == .seconds(2))
        let policy = RetryPolicy {
            $0.maximumAttempts = 9
            $0.initialDelay = .seconds(1)
            $0.multiplier = 1.5
            $0.maximumDelay = .seconds(60)
            $0.jitter = 0
        }
        #expect(task.retry == policy)
        let exits: [Int: OutcomeRule] = [0: .ok, 3: .next("c"), 75: .retry, 4: .fail]
        let arguments = ExecArguments(
            argv: ["x", "", "7"],
            output: OutputRules(format: .lines, into: "found"),
            exits: exits
        )
        #expect(try ExecArguments(payload: task.arguments) == arguments)
        #expect(try self.task("{ exec: [x], retry: 2, to: [b, c] }").retry.maximumAttempts == 2)
    }

    @Test("requests")
    func http() throws {
        let task = try self.task(
            "{ http: { url: 'http://h/{{item}}', method: PUT, headers: { X-A: 1 }, body: { a: ['{{x}}', 1.0] }, "
                + "status: { 404: { next: c }, 5xx: fail } }, output: none, "
                + "undo: { http: 'http://h/undo', unknown: false }, to: [b, c] }"
        )
        #expect(task.handler == "http")
        let arguments = HTTPArguments(
            method: "PUT",
            url: "http://h/{{item}}",
            headers: ["X-A": "1"],
            body: try JSONValue.parse(#"{"a":["{{x}}",1]}"#),
            output: OutputRules(format: OutputFormat.none, isKept: true),
            status: ["404": .next("c"), "5xx": .fail]
        )
        #expect(try HTTPArguments(payload: task.arguments) == arguments)
        #expect(try HTTPArguments(payload: task.undo?.arguments).url == "http://h/undo")
        #expect(task.undo?.coversUnknown == false)
    }

    @Test("a router without a program runs on every worker")
    func router() throws {
        guard
            case .router(let run, ["b", "c"]) = try self.step(
                "{ route: [[/x, exists, b], [/y, exists, false, c]], to: [b, c] }"
            )
        else { return #expect(Bool(false)) }
        #expect(run.handler == "route")
        let rules = [
            RouteRule(pointer: "/x", comparison: .exists, value: .bool(true), next: "b"),
            RouteRule(pointer: "/y", comparison: .exists, value: .bool(false), next: "c"),
        ]
        #expect(try RouteArguments(payload: run.arguments) == RouteArguments(route: rules))
    }

    @Test("a split can make its items with a program, and its tasks have their own policies")
    func split() throws {
        let text =
            "{ split: { over: { exec: [ls], output: lines, timeout: 9s }, "
            + "exec: [x, '{{item}}'], retry: 7, undo: { exec: [y] } }, "
            + "join: any, losers: keep, retry: 2, timeout: 5s, to: b }"
        guard case .split(let split, "b") = try self.step(text) else { return #expect(Bool(false)) }
        #expect(split.expand?.handler == "exec")
        #expect(split.expand?.timeout == .seconds(9))
        #expect(split.expand?.retry.maximumAttempts == 2)
        #expect(split.branch?.retry.maximumAttempts == 7)
        #expect(split.branch?.timeout == .seconds(5))
        #expect(split.branch?.undo != nil)
        #expect(split.join == .any)
        #expect(split.losers == .keep)
    }

    @Test(
        "joins",
        arguments: [
            ("all", JoinPolicy.all), ("any", .any), ("{ quorum: 3 }", JoinPolicy(.quorum(count: 3))),
            ("{ quorum: 12.5% }", JoinPolicy(.quorumPercent(12.5))),
            ("{ partial: 2, within: 500ms }", JoinPolicy(.partial(atLeast: 2), within: Span(milliseconds: 500))),
            ("{ all: true, within: 2d }", JoinPolicy(.all, within: .seconds(172_800))),
        ]
    )
    func joins(text: String, join: JoinPolicy) throws {
        guard case .split(let split, _) = try self.step("{ split: { over: /x, exec: [y] }, join: \(text), to: b }")
        else { return #expect(Bool(false)) }
        #expect(split.join == join)
    }

    @Test(
        "timers and their lengths",
        arguments: [
            ("250ms", 250), ("60s", 60_000), ("5m", 300_000), ("1h", 3_600_000), ("2d", 172_800_000),
            ("1h30m", 5_400_000),
        ] as [(String, Int64)]
    )
    func timers(text: String, milliseconds: Int64) throws {
        #expect(try self.step("{ wait: \(text), to: b }") == .timer(after: Span(milliseconds: milliseconds), to: "b"))
    }

    @Test(
        "a context is read by the core schema of YAML 1.2",
        arguments: [
            ("no", #""no""#), ("on", #""on""#), ("true", "true"), ("~", "null"), ("", "null"), ("'1'", #""1""#),
            ("1.50", "1.50"),
            ("0x1F", "31"), ("0o17", "15"), ("+5", "5"), ("007", "7"), (".5", "0.5"), ("1e3", "1e3"),
            ("12:30", #""12:30""#),
            ("2026-11-22", #""2026-11-22""#), ("1.2.3", #""1.2.3""#),
            ("123456789012345678901", "123456789012345678901"),
            ("[a, {b: c}]", #"["a",{"b":"c"}]"#), ("\"\\u00e9\\n\"", #""é\n""#), (".inf.", #"".inf.""#),
        ]
    )
    func context(text: String, json: String) throws {
        let definition = try WorkflowDocument.parse(
            "workflow: w\ncontext:\n  v: \(text)\nstates: { a: { exit: true } }\n"
        )
        #expect(definition.context == .json(#"{"v":\#(json)}"#))
    }

    @Test("anchors save typing")
    func anchors() throws {
        let definition = try WorkflowDocument.parse(
            """
            workflow: w
            states:
              a: { exec: [x], retry: &patient { attempts: 9 }, to: b }
              b: { exec: [y], retry: *patient, to: c }
              c: { exit: true }
            """
        )
        guard case .task(let run, _) = definition.states[1].step else { return #expect(Bool(false)) }
        #expect(run.retry.maximumAttempts == 9)
    }
}
