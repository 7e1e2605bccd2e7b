// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoCoordinator
import CanoEngine
import Testing

@Suite("Shapes in documents")
struct ShapeDocumentTests {
    private func step(_ state: String) throws -> StepDefinition {
        // A state that nothing leads to would be a mistake of its own.
        let c = state.contains("c]") ? "  c: { exit: failure }\n" : ""
        let text = "workflow: w\nstates:\n  a: \(state)\n  b: { exit: true }\n" + c
        return try #require(try WorkflowDocument.parse(text).states.first).step
    }

    private func task(_ state: String) throws -> TaskDefinition {
        guard case .task(let run, _) = try self.step(state) else { throw CanoError(.invalidInput, "no task: \(state)") }
        return run
    }

    @Test("a poll asks until a condition holds, with its own pause after errors too")
    func poll() throws {
        let task = try self.task(
            "{ exec: [./ask.sh], exits: { 3: pending }, "
                + "poll: { every: 5s, until: [/ready, '==', true], within: 10m, errors: 2 }, to: [b, c] }"
        )
        #expect(task.repetition == Repetition(.poll, pause: .seconds(5)))
        #expect(task.within == .seconds(600))
        #expect(task.retry == .fixed(attempts: 3, every: .seconds(5)))
        let arguments = try ExecArguments(payload: task.arguments)
        #expect(arguments.exits == [3: .pending])
        #expect(
            arguments.output.until
                == RouteRule(pointer: "/ready", comparison: .equal, value: .bool(true), next: "")
        )
    }

    @Test("a poll may be its pause alone, and keeps a retry policy of its own")
    func shortPoll() throws {
        let task = try self.task("{ http: 'http://h/x', poll: 1m, retry: 7, to: b }")
        #expect(task.repetition == Repetition(.poll, pause: .seconds(60)))
        #expect(task.retry.maximumAttempts == 7)
    }

    @Test("only a poll can be pending")
    func pending() {
        let error = #expect(throws: CanoError.self) { try self.task("{ exec: [x], exits: { 3: pending }, to: b }") }
        #expect(error?.message.contains("must be one of ok, retry, fail") ?? false)
    }

    @Test("time to start, hedging, deadline and what holds after which error")
    func policies() throws {
        let task = try self.task(
            "{ exec: [x], startWithin: 9s, hedge: 200ms, within: 1h, "
                + "retry: { attempts: 5, within: 10m, on: { exit: 2, busy: { attempts: 50, delay: 1m } } }, to: b }"
        )
        #expect(task.startWithin == .seconds(9))
        #expect(task.hedge == Span(milliseconds: 200))
        #expect(task.within == .seconds(3_600))
        #expect(task.retry.maximumElapsed == .seconds(600))
        #expect(task.retry.policy(after: "exit").maximumAttempts == 2)
        #expect(task.retry.policy(after: "busy").initialDelay == .seconds(60))
    }

    @Test("parallel branches are different tasks")
    func parallel() throws {
        let text =
            "{ parallel: [{ exec: [x], retry: 9, undo: { exec: [y] } }, { http: 'http://h/z', output: text }], "
            + "join: { quorum: 1 }, retry: 2, hedge: 1s, to: b }"
        guard case .split(let split, "b") = try self.step(text) else { return #expect(Bool(false)) }
        #expect(split.branch(at: 0)?.retry.maximumAttempts == 9)
        #expect(split.branch(at: 0)?.undo != nil)
        #expect(split.branch(at: 1)?.handler == "http")
        #expect(split.branch(at: 1)?.retry.maximumAttempts == 2)
        #expect(split.branch(at: 1)?.hedge == .seconds(1))
        #expect(split.join == JoinPolicy(.quorum(count: 1)))
        #expect(split.expand == nil)
    }

    @Test("a batch is a split with a task behind it in the same state")
    func batch() throws {
        let text =
            "{ batch: { over: /files, exec: [wc, '{{item}}'] }, inFlight: 4, "
            + "finish: { exec: [./sum.sh], route: [[/n, '>', 0, b]] }, to: [b, c] }"
        guard case .split(let split, "b") = try self.step(text) else { return #expect(Bool(false)) }
        #expect(split.inFlight == 4)
        #expect(split.join == JoinPolicy(.partial(atLeast: 0)))
        #expect(split.gather?.handler == "exec")
        #expect(split.choices == ["c"])
        let error = #expect(throws: CanoError.self) {
            try self.step("{ batch: { over: /files, exec: [wc] }, to: b }")
        }
        #expect(error?.message.contains("needs 'finish'") ?? false)
    }
}
