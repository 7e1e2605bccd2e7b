// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@Suite("Many runs without a store")
struct DirectCrowdTests {
    /// Counts up to `goal` before anybody goes on; then adds one, or fails.
    private struct Visit: Workflow {
        static let name = "visit"
        static let version = 1
        enum State: String, WorkflowState { case meet, leave, done }
        struct Context: Codable, Sendable, Equatable {
            var number: Int
        }
        let meeting: Meeting

        func step(in state: State) -> Step<Self> {
            switch state {
            case .meet: .task(Meet(meeting: self.meeting), retry: .never, to: .leave)
            case .leave: .task(Leave(), retry: .never, to: .done)
            case .done: .exit
            }
        }
    }

    private struct Meet: ContextTask {
        let meeting: Meeting
        func run(_ context: inout Visit.Context, _ task: TaskContext) async throws { try await self.meeting.arrive() }
    }

    private struct Leave: ContextTask {
        func run(_ context: inout Visit.Context, _ task: TaskContext) async throws {
            guard context.number % 10 != 3 else { throw TaskFailure.permanent("number \(context.number) stays") }
            context.number += 1000
        }
    }

    /// Where everybody waits for the last one.
    private final class Meeting: Sendable {
        private let expected: Int
        private let gate = Gate()
        private let arrived = Guarded(0)

        init(of expected: Int) {
            self.expected = expected
            if expected == 0 { self.gate.open() }
        }

        var count: Int { self.arrived.withLock { $0 } }

        func arrive() async throws {
            let count = self.arrived.withLock { arrived in
                arrived += 1
                return arrived
            }
            if count == self.expected { self.gate.open() }
            try await self.gate.pass()
        }
    }

    private func contexts(_ count: Int) -> [Visit.Context] { (0..<count).map { Visit.Context(number: $0) } }

    @Test("runs end in the order of their contexts, and one that fails stops no other", arguments: [0, 1, 7, 2000])
    func order(count: Int) async throws {
        let runner = try InMemoryRunner(Visit(meeting: Meeting(of: 0)))
        let ends = await runner.runAll(self.contexts(count))
        try #require(ends.count == count)
        for (number, end) in ends.enumerated() {
            if number % 10 == 3 {
                let error = #expect(throws: CanoError.self) { try end.get() }
                #expect(error?.code == .runFailed)
                #expect(error?.message.contains("number \(number) stays") == true)
            } else {
                #expect(try end.get().context.number == number + 1000)
            }
        }
    }

    @Test("all runs are under way at once: each waits until the last one has begun")
    func atOnce() async throws {
        let meeting = Meeting(of: 300)
        let ends = await (try InMemoryRunner(Visit(meeting: meeting))).runAll(self.contexts(300))
        #expect(meeting.count == 300)
        #expect(ends.filter { (try? $0.get()) != nil }.count == 270)
    }

    @Test("cancelling the task cancels the runs that have begun")
    func cancelled() async throws {
        let meeting = Meeting(of: 51)
        let runner = try InMemoryRunner(Visit(meeting: meeting))
        let contexts = self.contexts(50)
        let all = Task { await runner.runAll(contexts) }
        while meeting.count < 50 { await Task.yield() }
        all.cancel()
        for end in await all.value {
            let error = #expect(throws: CanoError.self) { try end.get() }
            #expect(error?.code == .cancelled)
        }
    }

    @Test("runs that have not begun when the task is cancelled do not begin")
    func notBegun() async throws {
        let meeting = Meeting(of: 0)
        let runner = try InMemoryRunner(Visit(meeting: meeting))
        let contexts = self.contexts(50)
        let ends = await withTaskGroup(of: [Result<RunResult<Visit>, any Error>].self) { group in
            group.cancelAll()
            group.addTask { await runner.runAll(contexts) }
            return await group.next() ?? []
        }
        #expect(ends.count == 50)
        for end in ends { #expect(throws: CancellationError.self) { try end.get() } }
        #expect(meeting.count == 0)
    }
}
