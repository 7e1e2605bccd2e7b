// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoCoordinator
import CanoEngine
import Testing

@Suite("Errors of workflow documents")
struct DocumentErrorTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var text: String
        var place: String
        var words: [String]

        init(_ text: String, _ place: String, _ words: String...) {
            self.text = text
            self.place = place
            self.words = words
        }

        var testDescription: String { self.text }
    }

    /// A document whose state `a` is the text; it stands in line 3 and begins in column 6.
    private static func state(_ text: String, _ place: String, _ words: String...) -> Case {
        var made = Case("workflow: w\nstates:\n  a: \(text)\n  b: { exit: true }\n", place)
        made.words = words
        return made
    }

    @Test(
        "mistakes in limits are told like all others",
        arguments: [
            state("{ exec: [x], limits: [{ max: 3 }], to: b }", "line 3", "one of concurrency, rate and breaker"),
            state("{ exec: [x], limits: [{ rate: a, max: 3 }], to: b }", "line 3", "needs 'per'"),
            state("{ exec: [x], limits: [{ concurrency: a, max: 0 }], to: b }", "line 3", "from 1"),
            state("{ exec: [x], limits: [{ breaker: a, window: 1s }], to: b }", "line 3", "needs 'percent'"),
            state("{ exec: [x], limits: [{ breaker: a, failure: 1 }], to: b }", "line 3", "did you mean 'failures'?"),
        ]
    )
    func limits(flaw: Case) {
        let error = #expect(throws: CanoError.self) { try WorkflowDocument.parse(flaw.text) }
        for part in [flaw.place] + flaw.words {
            #expect(error?.message.contains(part) ?? false, "\(error?.message ?? "") must contain \(part)")
        }
    }

    @Test(
        "every mistake is told with line, column, culprit and remedy",
        arguments: [
            Case("", "line 1, column 1", "empty"),
            Case("workflow: [", "line 2, column 1", "not valid YAML"),
            Case("workflow: w\nstates:\n  a: { exit: true\n", "line 4, column 1", "not valid YAML", "line 3"),
            Case("workflow: w\n\tstates: {}\n", "line 2, column 1", "not valid YAML"),
            Case("workflow: *w\n", "line 1, column 11", "undefined alias"),
            Case("a: 1\n---\nb: 2\n", "line 2, column 1", "another document"),
            Case("- a\n", "line 1, column 1", "must be a mapping"),
            Case("workflow: w\nworkflow: x\n", "line 1, column 1", "'workflow' is there twice"),
            Case(
                "workflow: w\nstats: {}\n",
                "line 2, column 1",
                "unknown key 'stats'",
                "did you mean 'states'?",
                "totalTimeout"
            ),
            Case("workflow: w\n", "line 1, column 1", "needs 'states'"),
            Case("states: { a: { exit: true } }", "line 1, column 1", "needs 'workflow'"),
            Case("workflow: w\nstates: {}\n", "line 2, column 9", "mapping of state names"),
            Case(
                "workflow: w\nversion: one\nstates: { a: { exit: true } }\n",
                "line 2, column 10",
                "'version'",
                "whole number"
            ),
            Case("workflow: w\nversion: 0\nstates: { a: { exit: true } }\n", "line 2, column 10", "from 1"),
            Case(
                "workflow: w\ncontext: [1]\nstates: { a: { exit: true } }\n",
                "line 2, column 10",
                "mapping",
                "a list"
            ),
            Case("workflow: w\ncontext: { a: .inf }\nstates: { a: { exit: true } }\n", "line 2, column 15", "quotes"),
            Case("workflow: w\ntotalTimeout: 5\nstates: { a: { exit: true } }\n", "line 2, column 15", "250ms"),
            Self.state("{ exce: [x], to: b }", "line 3, column 8", "'exce' in state 'a'", "did you mean 'exec'?"),
            Self.state("{ exec: [x], too: b }", "line 3, column 19", "'too'", "did you mean 'to'?", "exits"),
            Self.state("{ exec: [x], exits: { 1: fail }, http: x, to: b }", "line 3, column 6", "'exec' and 'http'"),
            Self.state("{ to: b }", "line 3, column 6", "does nothing", "exec, http, split"),
            Self.state("5", "line 3, column 6", "must be a mapping"),
            Self.state("{ exec: x, to: b }", "line 3, column 14", "'exec' of state 'a' must be a list"),
            Self.state("{ exec: [], to: b }", "line 3, column 14", "empty"),
            Self.state("{ exec: [x, [y]], to: b }", "line 3, column 18", "element 2", "a list"),
            Self.state("{ exec: [''], to: b }", "line 3, column 15", "element 1"),
            Self.state("{ exec: [x] }", "line 3, column 6", "needs 'to'"),
            Self.state("{ exec: [x], output: xml, to: b }", "line 3, column 27", "json, text, lines, none", "'xml'"),
            Self.state("{ exec: [x], into: y, to: b }", "line 3, column 25", "output: text"),
            Self.state("{ exec: [x], exits: { 300: ok }, to: b }", "line 3, column 33", "'300'", "0 to 255"),
            Self.state("{ exec: [x], exits: { 3: maybe }, to: b }", "line 3, column 31", "ok, retry, fail"),
            Self.state("{ exec: [x], exits: { 3: { next: d } }, to: b }", "line 3, column 39", "'d' is not in 'to'"),
            Self.state("{ exec: [x], retry: { tries: 3 }, to: b }", "line 3, column 28", "'tries'", "attempts"),
            Self.state("{ exec: [x], retry: 0, to: b }", "line 3, column 26", "from 1"),
            Self.state("{ exec: [x], timeout: 60, to: b }", "line 3, column 28", "60s", "'60'"),
            Self.state("{ exec: [x], timeout: 5 m, to: b }", "line 3, column 28", "'5 m'"),
            Self.state("{ exec: [x], timeout: 99999999999999d, to: b }", "line 3, column 28", "length of time"),
            Self.state("{ exec: [x], undo: { http: y }, to: b }", "line 3, column 27", "'http'", "exec"),
            Self.state("{ exec: [x], route: [[/x, '=', 1, b]], to: b }", "line 3, column 32", "'='", "=="),
            Self.state("{ exec: [x], route: [[x, ==, 1, b]], to: b }", "line 3, column 28", "JSON pointer"),
            Self.state("{ exec: [x], route: [[/x, ==, b]], to: b }", "line 3, column 27", "no value"),
            Self.state(
                "{ exec: [x], route: [[/x, ==]], to: b }",
                "line 3, column 27",
                "[pointer, operator, value, state]"
            ),
            Self.state("{ exec: [x], route: [[/x, ==, 1, bb]], to: b }", "line 3, column 39", "did you mean 'b'?"),
            Self.state("{ http: { uri: x }, to: b }", "line 3, column 16", "did you mean 'url'?"),
            Self.state("{ http: { url: x, method: get }, to: b }", "line 3, column 32", "capitals"),
            Self.state("{ http: { url: x, headers: { 'a b': c } }, to: b }", "line 3, column 42", "'a b'"),
            Self.state(
                "{ http: { url: x, headers: { Host: c } }, to: b }",
                "line 3, column 41",
                "'Host'",
                "leave it out"
            ),
            Self.state("{ http: { url: x, status: { 99: ok } }, to: b }", "line 3, column 38", "'99'", "4xx"),
            Self.state("{ split: { exec: [x] }, to: b }", "line 3, column 15", "needs 'over'"),
            Self.state("{ split: { over: files, exec: [x] }, to: b }", "line 3, column 23", "/files"),
            Self.state("{ split: { over: /f }, to: b }", "line 3, column 15", "needs 'http'"),
            Self.state(
                "{ split: { over: { exec: [x], output: text }, exec: [y] }, to: b }",
                "line 3, column 44",
                "json or lines"
            ),
            Self.state("{ split: { over: /f, exec: [x] }, to: [b] }", "line 3, column 44", "one state only"),
            Self.state(
                "{ split: { over: /f, exec: [x], exits: { 3: { next: b } } }, to: b }",
                "line 3, column 58",
                "cannot choose"
            ),
            Self.state(
                "{ split: { over: /f, exec: [x] }, join: most, to: b }",
                "line 3, column 46",
                "all, any",
                "'most'"
            ),
            Self.state("{ split: { over: /f, exec: [x] }, join: { quorum: 0% }, to: b }", "line 3, column 56", "80%"),
            Self.state(
                "{ split: { over: /f, exec: [x] }, join: { partial: 3 }, to: b }",
                "line 3, column 46",
                "'within'"
            ),
            Self.state(
                "{ split: { over: /f, exec: [x] }, join: { all: true, any: true }, to: b }",
                "line 3, column 46",
                "one of"
            ),
            Self.state("{ exec: [x], retry: { delay: 9223372036854775807ms }, to: b }", "line 3, column 35", "36500d"),
            Self.state("{ exec: [x], retry: { max: 36501d }, to: b }", "line 3, column 33", "36500d"),
            Self.state("{ exec: [x], retry: { attempts: 1001 }, to: b }", "line 3, column 38", "1 to 1000"),
            Self.state("{ exec: [x], retry: { attempts: -1 }, to: b }", "line 3, column 38", "1 to 1000"),
            Self.state("{ exec: [x], retry: { attempts: 9e99 }, to: b }", "line 3, column 38", "whole number"),
            Self.state("{ exec: [x], retry: { multiplier: nan }, to: b }", "line 3, column 40", "'multiplier'"),
            Self.state("{ exec: [x], retry: { multiplier: 1e308 }, to: b }", "line 3, column 40", "1.0 to"),
            Self.state("{ exec: [x], retry: { multiplier: -2 }, to: b }", "line 3, column 40", "1.0 to"),
            Self.state("{ exec: [x], retry: { jitter: 1.5 }, to: b }", "line 3, column 36", "0.0 to 1.0"),
            Self.state("{ exec: [x], timeout: 100000000000d, to: b }", "line 3, column 28", "36500d"),
            Self.state("{ split: { over: /f, exec: [x] }, join: { quorum: nan% }, to: b }", "line 3, column 56", "80%"),
            Self.state("{ split: { over: /f, exec: [x] }, join: { quorum: -1 }, to: b }", "line 3, column 56", "1 to"),
            Self.state(
                "{ split: { over: /f, exec: [x] }, join: { quorum: 100001 }, to: b }",
                "line 3, column 56",
                "1 to 100000"
            ),
            Self.state(
                "{ split: { over: /f, exec: [x] }, join: { partial: -1, within: 1s }, to: b }",
                "line 3, column 57",
                "0 to 100000"
            ),
            Case(
                "workflow: w\nversion: 2147483648\nstates: { a: { exit: true } }\n",
                "line 2, column 10",
                "1 to 2147483647"
            ),
            Self.state("{ wait: 9223372036854775807ms, to: b }", "line 3, column 14", "36500d"),
            Self.state("{ wait: soon, to: b }", "line 3, column 14", "'wait' of state 'a'", "'soon'"),
            Self.state("{ wait: 1h }", "line 3, column 6", "needs 'to'"),
            Self.state("{ exit: maybe }", "line 3, column 14", "true, success, failure"),
            Self.state("{ exit: true, to: b }", "line 3, column 20", "'to'"),
        ]
    )
    func mistakes(mistake: Case) {
        let error = #expect(throws: CanoError.self) { try WorkflowDocument.parse(mistake.text) }
        let message = error?.message ?? ""
        #expect(error?.code == .invalidDefinition)
        #expect(message.hasPrefix(mistake.place + ": "), "\(message)")
        for word in mistake.words { #expect(message.contains(word), "\(message)") }
        #expect(!message.contains("\n"))
    }

    @Test("a workflow that is written well and cannot run is refused by its rules")
    func validation() {
        let error = #expect(throws: CanoError.self) {
            try WorkflowDocument.parse("{ workflow: w, states: { a: { exec: [x], to: nowhere }, b: { exit: true } } }")
        }
        #expect(error?.message.contains("'nowhere'") == true)
        #expect(error?.message.contains("'b' cannot be reached") == true)
    }

    // MARK: Hostile documents

    @Test("aliases cannot multiply")
    func aliasBomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 { text += "a\(level): &a\(level) [\(String(repeating: "*a\(level - 1), ", count: 9))x]\n" }
        let error = #expect(throws: CanoError.self) { try WorkflowDocument.parse(text) }
        #expect(error?.code == .limitExceeded)
        #expect(error?.message.contains("aliases") == true)
    }

    @Test("what aliases stand for is counted every time")
    func aliasesCounted() {
        let many = String(repeating: "x, ", count: 10_000)
        var text = "a: &a [\(many)]\nb: [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        text += "c: 1\n"
        let error = #expect(throws: CanoError.self) { try WorkflowDocument.parse(text) }
        #expect(error?.code == .limitExceeded)
        #expect(error?.message.contains("values") == true)
    }

    @Test("deep nesting is refused", arguments: [70, 900, 5000, 200_000])
    func deep(levels: Int) {
        let text = "a: " + String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        let error = #expect(throws: CanoError.self) { try WorkflowDocument.parse(text) }
        #expect(error?.message.contains("\n") == false)
    }

    @Test("a document has a largest size")
    func large() {
        let error = #expect(throws: CanoError.self) {
            try WorkflowDocument.parse("workflow: " + String(repeating: "w", count: 2_000_000))
        }
        #expect(error?.code == .limitExceeded)
    }

    @Test("characters that YAML does not allow are told with their place")
    func reader() {
        let error = #expect(throws: CanoError.self) { try WorkflowDocument.parse("workflow: w\nstates: \u{01}\n") }
        #expect(error?.message.hasPrefix("line 2, column 9: not valid YAML") == true, "\(error?.message ?? "")")
    }
}
