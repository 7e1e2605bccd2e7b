// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoWorker
import Foundation
import Testing

@Suite("Processes of exec")
struct ExecProcessTests {
    /// Waits until a file of the scripts has a text.
    private func wait(for name: String, in scripts: Scripts) async throws -> String {
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        while ContinuousClock.now < deadline {
            if let text = scripts.text(name), text.hasSuffix("\n") { return text }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("'\(name)' was never written")
        return ""
    }

    private func processes(_ text: String) -> [pid_t] {
        text.split(whereSeparator: \.isWhitespace).compactMap { pid_t($0) }
    }

    /// Whether a process is there and not only waiting to be reaped by whoever inherited it.
    private func isAlive(_ process: pid_t) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let end = status.lastIndex(of: ")")
        else { return false }
        return !status[end...].hasPrefix(") Z")
    }

    @Test(
        "at its timeout the whole process group is gone before the answer",
        arguments: [
            "sleep 1000 & echo $$ $! > $1; wait",
            // Both ignore the polite signal.
            "trap '' TERM; (trap '' TERM; sleep 1000) & echo $$ $! > $1; sleep 1000; sleep 1000",
            // The program ends at once, its child stays and ignores the signal.
            "trap 'exit 0' TERM; (trap '' TERM; sleep 1000) & echo $$ $! > $1; wait",
        ]
    )
    func timeout(body: String) async throws {
        let scripts = try Scripts()
        let script = try scripts.add("hang", body)
        let grant = try makeGrant(.task("{}"), ExecArguments(argv: [script, scripts.path("pids")]))
        let answer = try await scripts.handler().answer(grant, within: .milliseconds(500))
        guard case .stopped(let failure) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(failure.code == "timeout")
        let pids = self.processes(try #require(scripts.text("pids")))
        #expect(pids.count == 2)
        for pid in pids { #expect(!self.isAlive(pid)) }
    }

    @Test("a cancelled attempt answers stopped, with everything gone")
    func cancel() async throws {
        let scripts = try Scripts()
        let script = try scripts.add("hang", "sleep 1000 & echo $$ $! > $1; wait")
        let grant = try makeGrant(.task("{}"), ExecArguments(argv: [script, scripts.path("pids")]))
        let handler = try scripts.handler()
        let answer = try await withThrowingTaskGroup(of: AttemptReport.Result.self) { group in
            group.addTask { await handler.answer(grant) }
            let pids = self.processes(try await self.wait(for: "pids", in: scripts))
            for pid in pids { #expect(self.isAlive(pid)) }
            group.cancelAll()
            let answer = try await group.next()
            for pid in pids { #expect(!self.isAlive(pid)) }
            return answer
        }
        guard case .stopped(let failure)? = answer else {
            Issue.record("\(String(describing: answer))")
            return
        }
        #expect(failure.code == "cancelled")
    }

    @Test("an attempt that was cancelled before it began runs nothing")
    func cancelledBefore() async throws {
        let scripts = try Scripts()
        let script = try scripts.add("mark", "sleep 5; touch $1")
        let grant = try makeGrant(.task("{}"), ExecArguments(argv: [script, scripts.path("ran")]))
        let handler = try scripts.handler()
        let answer = await withTaskGroup(of: AttemptReport.Result.self) { group in
            group.cancelAll()
            group.addTask { await handler.answer(grant) }
            return await group.next()
        }
        #expect(answer?.failure?.code == "cancelled")
        #expect(scripts.text("ran") == nil)
    }

    @Test("what a program leaves behind does not outlive it, and does not hold up its answer")
    func leftBehind() async throws {
        let scripts = try Scripts()
        let script = try scripts.add("leave", "sleep 1000 & echo $! > $1; echo '{\"a\":1}'")
        let grant = try makeGrant(.task("{}"), ExecArguments(argv: [script, scripts.path("pids")]))
        let answer = try await scripts.handler().answer(grant)
        #expect(answer.context == #"{"a":1}"#)
        for pid in self.processes(try #require(scripts.text("pids"))) { #expect(!self.isAlive(pid)) }
    }

    @Test("a large input that nobody reads holds up nothing")
    func unreadInput() async throws {
        let scripts = try Scripts()
        let context = #"{"a":"\#(String(repeating: "x", count: 250_000))"}"#
        let closing = ExecArguments(argv: [try scripts.add("close", "exec <&-; echo '{\"b\":1}'")])
        let answer = try await scripts.handler(Limits { $0.payloadBytes = 1_000_000 })
            .answer(makeGrant(.task(context), closing))
        #expect(answer.context?.hasSuffix(#""b":1}"#) == true)
        let ignoring = ExecArguments(argv: [try scripts.add("ignore", "true")])
        #expect(try await scripts.handler().answer(makeGrant(.task(context), ignoring)).failure == nil)
        let hanging = ExecArguments(argv: [try scripts.add("hang", "sleep 1000")])
        let stopped = try await scripts.handler().answer(makeGrant(.task(context), hanging), within: .milliseconds(300))
        #expect(stopped.failure?.code == "timeout")
    }

    @Test("a large input comes through to a program that answers while it reads")
    func largeInput() async throws {
        let scripts = try Scripts()
        let context = #"{"a":"\#(String(repeating: "x", count: 250_000))"}"#
        let arguments = ExecArguments(
            argv: [try scripts.add("copy", "tee /dev/stderr")],
            output: OutputRules(format: .text)
        )
        let grant = try makeGrant(.branch("1", context: context), arguments)
        let answer = try await scripts.handler(Limits { $0.payloadBytes = 300_000 }).answer(grant)
        #expect(answer.output == #"{"context":\#(context),"item":1}"#)
    }

    @Test("standard error has no bound; only its end is kept")
    func muchError() async throws {
        let scripts = try Scripts()
        let script = try scripts.add("loud", "head -c 3000000 /dev/zero >&2; echo >&2; echo end >&2; exit 1")
        let failure = try await scripts.handler().answer(makeGrant(.task("{}"), ExecArguments(argv: [script]))).failure
        #expect(failure?.message.hasSuffix(": end") == true)
    }

    @Test("no process is left as a zombie")
    func zombies() async throws {
        let scripts = try Scripts()
        let script = try scripts.add("quick", "echo $$ >> $1")
        let handler = try scripts.handler()
        let grant = try makeGrant(.task("{}"), ExecArguments(argv: [script, scripts.path("pids")]))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<40 { group.addTask { #expect(await handler.answer(grant).failure == nil) } }
        }
        let pids = self.processes(try #require(scripts.text("pids")))
        #expect(pids.count == 40)
        for pid in pids { #expect(!FileManager.default.fileExists(atPath: "/proc/\(pid)/exe")) }
    }

    @Test(
        "a file that cannot be run fails for good and says why",
        arguments: [
            ("noexec", "echo", 0o644, "chmod +x"), ("nobang", "", 0o755, "first line"),
        ]
    )
    func notRunnable(name: String, body: String, mode: Int, reason: String) async throws {
        let scripts = try Scripts()
        let path = try scripts.add(name, body)
        if name == "nobang" { try Data("hello\n".utf8).write(to: URL(filePath: path)) }
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        let failure = try await scripts.handler().answer(makeGrant(.task("{}"), ExecArguments(argv: [path]))).failure
        #expect(failure?.code == "notStarted")
        #expect(failure?.isRetryable == false)
        #expect(failure?.message.contains(reason) == true, "\(failure?.message ?? "")")
    }
}
