// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoWorker
import Foundation
import Testing

@Suite("exec")
struct ExecHandlerTests {
    @Test("a program sees the context on its standard input and the run in its environment")
    func input() async throws {
        let scripts = try Scripts()
        let show = try scripts.add(
            "show",
            #"cat; printf ' %s' "$CANO_RUN" "$CANO_STATE" "$CANO_VISIT" "$CANO_ATTEMPT" "$CANO_IDEMPOTENCY_KEY""#
        )
        let arguments = ExecArguments(argv: [show], output: OutputRules(format: .text))
        let answer = try await scripts.handler().answer(makeGrant(.branch(#""a""#, context: #"{"x":1}"#), arguments))
        let run = "01900000-0000-7000-8000-000000000007"
        #expect(answer.output == #"{"context":{"x":1},"item":"a"} \#(run) work 3 2 \#(run)/3/branch/0"#)
    }

    @Test("behind a join a program sees how every branch ended")
    func branches() async throws {
        let scripts = try Scripts()
        let show = try scripts.add("show", "cat")
        let results: [BranchOutcome] = [
            .success(.json("[1]")), .success(Payload(bytes: Array("a\"b".utf8), type: .text)),
            .success(Payload(bytes: [1, 2, 3], type: .binary)), .cancelled,
            .failure(Failure(code: "exit", message: "no")),
        ]
        let arguments = ExecArguments(argv: [show], output: OutputRules(format: .text, into: "seen"))
        let answer = try await scripts.handler()
            .answer(
                makeGrant(.task(context: .emptyObject, branches: results), arguments)
            )
        let context = try JSONValue.parse(try #require(answer.context))
        let seen = try #require(JSONPointer("/seen").flatMap { context.value(at: $0) }?.stringValue)
        #expect(
            seen == #"{"context":{},"branches":[{"status":"ok","output":[1]},{"status":"ok","output":"a\"b"},"#
                + #"{"status":"ok","output":"AQID"},{"status":"cancelled"},"#
                + #"{"status":"failed","code":"exit","message":"no"}]}"#
        )
    }

    @Test("an undo sees the output, and null when nobody knows what became of it", arguments: [nil, #"{"id":7}"#])
    func undo(output: String?) async throws {
        let scripts = try Scripts()
        let show = try scripts.add("show", #"cat > "$1"; echo "$CANO_IDEMPOTENCY_KEY" >> "$1""#)
        let arguments = ExecArguments(argv: [show, scripts.path("seen")])
        let input = LeaseGrant.Input.undo(of: .step, output: output.map { .json($0) })
        let answer = try await scripts.handler().answer(makeGrant(input, arguments))
        #expect(answer == .completed(.undone))
        let key = "01900000-0000-7000-8000-000000000007/3/step/undo"
        #expect(scripts.text("seen") == #"{"output":\#(output ?? "null")}\#(key)"# + "\n")
    }

    @Test("the worker's secrets are not in a program's environment")
    func secrets() async throws {
        setenv("CANO_TOKEN", "secret", 1)
        setenv("CANO_STORE", "postgres://user:secret@host/db", 1)
        let scripts = try Scripts()
        let show = try scripts.add("show", "env")
        let arguments = ExecArguments(argv: [show], output: OutputRules(format: .text))
        let output = try #require(try await scripts.handler().answer(makeGrant(.branch("1"), arguments)).output)
        #expect(output.contains("CANO_RUN="))
        #expect(!output.contains("secret"))
    }

    // MARK: Arguments

    @Test(
        "an item is one argument, whatever is in it",
        arguments: [
            "a b", "; rm -rf /", "$(id)", "`id`", "a\nb", "-rf", "\"'\\", "*", "é😀", "{{context.x}}", "&&", "<&>",
        ]
    )
    func injection(item: String) async throws {
        let scripts = try Scripts()
        let show = try scripts.add("show", #"printf '%s|' "$#" "$@""#)
        let arguments = ExecArguments(argv: [show, "{{item}}", "x={{item}}"], output: OutputRules(format: .text))
        let answer = try await scripts.handler().answer(makeGrant(.branch(JSONValue.string(item).text), arguments))
        #expect(answer.output == "2|\(item)|x=\(item)|")
    }

    @Test("templates reach into the context; numbers, lists and objects stand as JSON")
    func templates() async throws {
        let scripts = try Scripts()
        let show = try scripts.add("show", #"printf '%s|' "$@""#)
        let context = #"{"a":{"b":"x&y","n":1.10,"l":[1,"z"],"t":true,"z":null}}"#
        let argv = [
            show, "{{context.a.b}}", "{{context.a.n}}", "{{context.a.l}}", "{{context.a.t}}", "[{{context.a.z}}]",
            "{{context.a.l.1}}", "{{state}}/{{visit}}",
            "{{#context.a.t}}yes{{/context.a.t}}{{^context.no}}no{{/context.no}}",
            "{{#context.a.l}}<{{.}}>{{/context.a.l}}",
        ]
        let arguments = ExecArguments(argv: argv, output: OutputRules(format: .text))
        let answer = try await scripts.handler().answer(makeGrant(.branch("1", context: context), arguments))
        #expect(answer.output == #"x&y|1.10|[1,"z"]|true|[]|z|work/3|yesno|<1><z>|"#)
    }

    @Test(
        "a name without a value fails for good and is named",
        arguments: [
            ("{{context.nope}}", "context.nope"), ("{{nope}}", "nope"), ("{{context.a.b.c}}", "context.a.b.c"),
            ("{{output}}", "output"), ("{{context.l.7}}", "context.l.7"), ("{{.}}", "."),
        ]
    )
    func missing(template: String, name: String) async throws {
        let scripts = try Scripts()
        let show = try scripts.add("show", "touch \(scripts.path("ran"))")
        let arguments = ExecArguments(argv: [show, template])
        let context = #"{"a":{"b":"text"},"l":[1]}"#
        let failure = try await scripts.handler().answer(makeGrant(.task(context), arguments)).failure
        #expect(failure?.code == "template")
        #expect(failure?.isRetryable == false)
        #expect(failure?.message.contains("'\(name)'") == true, "\(failure?.message ?? "")")
        #expect(scripts.text("ran") == nil)
    }

    @Test(
        "a NUL in an argument is refused, a template that does not parse too",
        arguments: [
            ("{{item}}", "invalidArguments"), ("{{#open}}", "template"),
        ]
    )
    func invalidArguments(template: String, code: String) async throws {
        let scripts = try Scripts()
        let arguments = ExecArguments(argv: [try scripts.add("show", "true"), template])
        let failure = try await scripts.handler().answer(makeGrant(.branch(#""a\u0000b""#), arguments)).failure
        #expect(failure?.code == code)
        #expect(failure?.isRetryable == false)
    }

    // MARK: Exit codes

    @Test(
        "exit codes mean what the step says",
        arguments: [
            (0, nil, nil), (3, "other", nil), (4, nil, true), (5, nil, false), (6, nil, true), (7, nil, nil),
        ] as [(Int, String?, Bool?)]
    )
    func exits(code: Int, next: String?, retryable: Bool?) async throws {
        let scripts = try Scripts()
        let leave = try scripts.add("leave", "echo first >&2; echo \"last words\" >&2; echo >&2; exit \(code)")
        let exits: [Int: OutcomeRule] = [3: .next("other"), 4: .retry, 5: .fail, 7: .ok]
        let grant = try makeGrant(.task("{}"), ExecArguments(argv: [leave], exits: exits), next: ["other"])
        let answer = try await scripts.handler().answer(grant)
        #expect(answer.failure?.isRetryable == retryable)
        #expect(answer.next == next)
        if let failure = answer.failure {
            #expect(failure.code == "exit")
            #expect(failure.message == "'\(leave)' exited with \(code): last words")
        }
    }

    @Test("a success can be mapped to a failure")
    func mappedSuccess() async throws {
        let scripts = try Scripts()
        let arguments = ExecArguments(argv: [try scripts.add("ok", "exit 0")], exits: [0: .fail])
        #expect(try await scripts.handler().answer(makeGrant(.task("{}"), arguments)).failure?.isRetryable == false)
    }

    @Test("a signal is a failure that may be retried")
    func signal() async throws {
        let scripts = try Scripts()
        let arguments = ExecArguments(argv: [try scripts.add("die", "echo oh >&2; kill -SEGV $$")])
        let failure = try await scripts.handler().answer(makeGrant(.task("{}"), arguments)).failure
        #expect(failure?.code == "signal")
        #expect(failure?.isRetryable == true)
        #expect(failure?.message.hasSuffix("was ended by signal 11: oh") == true)
    }

    @Test("a long last line is cut")
    func longMessage() async throws {
        let scripts = try Scripts()
        let script = try scripts.add("loud", "head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1")
        let failure = try await scripts.handler().answer(makeGrant(.task("{}"), ExecArguments(argv: [script]))).failure
        #expect((failure?.message.count ?? 0) < 500)
        #expect(failure?.message.contains("xxxx") == true)
    }
}
