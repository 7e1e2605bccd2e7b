// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoWorker
import Testing

/// Work that was done, or may have been, and whose outcome cannot be told.
@Suite("Outcomes in doubt")
struct DoubtTests {
    private static let kept = OutputRules(isKept: true)

    @Test(
        "what may have had its effect is in doubt where it can be undone, and a failure elsewhere",
        arguments: ["echo '{'", "echo '[1]'", "kill -9 $$", "yes"],
        [true, false]
    )
    func afterEffect(script: String, isUndoable: Bool) async throws {
        let scripts = try Scripts()
        let program = try scripts.add("program", script)
        let arguments = ExecArguments(argv: [program], output: isUndoable ? Self.kept : OutputRules())
        let answer = try await scripts.handler().answer(makeGrant(.task("{}"), arguments))
        switch answer {
        case .stopped: #expect(isUndoable)
        case .failed: #expect(!isUndoable)
        case .completed, .carried, .released: Issue.record("\(answer)")
        }
        #expect(answer.failure?.message.contains("\n") == false)
    }

    @Test("a program that says that it failed did fail, and one that never ran did nothing")
    func declared() async throws {
        let scripts = try Scripts()
        for program in [try scripts.add("fails", "exit 3"), scripts.path("missing")] {
            let arguments = ExecArguments(argv: [program], output: Self.kept)
            let answer = try await scripts.handler().answer(makeGrant(.task("{}"), arguments))
            guard case .failed = answer else {
                Issue.record("\(answer)")
                continue
            }
        }
    }

    @Test("a step cannot ask another site of an allowed address, nor break the framing of its request")
    func ownHeaders() async throws {
        let handler = HTTPHandler(policy: try HTTPPolicy(allowing: ["http://127.0.0.1:1/"]))
        for name in ["Host", "content-length", "Transfer-Encoding"] {
            let arguments = HTTPArguments(url: "http://127.0.0.1:1/", headers: [name: "x"])
            let failure = try await handler.answer(makeGrant(.task("{}"), arguments)).failure
            #expect(failure?.code == "invalidArguments")
            #expect(failure?.message.contains("'\(name)'") == true)
        }
    }

    @Test("sections within sections are bounded", arguments: [100, 101, 100_000])
    func sections(depth: Int) async throws {
        let scripts = try Scripts()
        let program = try scripts.add("program", "echo '{}'")
        let text = String(repeating: "{{#context}}", count: depth) + String(repeating: "{{/context}}", count: depth)
        let arguments = ExecArguments(argv: [program, text])
        let answer = try await scripts.handler().answer(makeGrant(.task("{}"), arguments))
        #expect(answer.failure?.code == (depth > 100 ? "template" : nil))
    }
}
