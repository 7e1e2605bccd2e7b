// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@Suite("Many runs without a store")
struct DirectCrowdTests {
    /// Waits for the meeting, then adds a thousand to its number, or fails when that ends in 3.
    private struct Visit: Workflow {
        static let name = "visit"
        static let version = 1
        enum State: String, WorkflowState { case meet, leave, done }
        struct Context: Codable, Sendable, Equatable {
            var number: Int
        }
        let meeting: Meeting?
        var cancelling: Int?
        var gone: Guarded<Int>?

        func step(in state: State) -> Step<Self> {
            switch state {
            case .meet: .task(Meet(meeting: self.meeting, cancelling: self.cancelling), retry: .never, to: .leave)
            case .leave: .task(Leave(gone: self.gone), retry: .never, to: .done)
            case .done: .exit
            }
        }
    }

    private struct Meet: ContextTask {
        let meeting: Meeting?
        let cancelling: Int?
        func run(_ context: inout Visit.Context, _ task: TaskContext) async throws {
            if context.number == self.cancelling { withUnsafeCurrentTask { $0?.cancel() } }
            try await self.meeting?.arrive()
        }
    }

    /// Has little time, and takes more.
    private struct Hurry: Workflow {
        static let name = "hurry"
        static let version = 1
        static let timeout: Duration? = .milliseconds(50)
        enum State: String, WorkflowState { case work, done }
        struct Context: Codable, Sendable {}

        func step(in state: State) -> Step<Self> {
            switch state {
            case .work: .task(Work(), retry: .never, to: .done)
            case .done: .exit
            }
        }

        struct Work: ContextTask {
            func run(_ context: inout Context, _ task: TaskContext) async throws {
                try await Task.sleep(for: .seconds(3600))
            }
        }
    }

    private struct Leave: ContextTask {
        let gone: Guarded<Int>?
        func run(_ context: inout Visit.Context, _ task: TaskContext) async throws {
            self.gone?.withLock { $0 += 1 }
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

        func open() { self.gate.open() }

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
        #expect(ends.filter(\.isSuccess).count == 270)
    }

    @Test("no more runs are under way than allowed, and all have their turn", arguments: [0, 1, 2, 7])
    func bounded(most: Int) async throws {
        let meeting = Meeting(of: max(1, most) + 1)
        let runner = try InMemoryRunner(Visit(meeting: meeting))
        let contexts = self.contexts(20)
        let all = Task { await runner.runAll(contexts, inFlight: most) }
        while meeting.count < max(1, most) { await Task.yield() }
        try await Task.sleep(for: .milliseconds(20))
        #expect(meeting.count == max(1, most))
        meeting.open()
        let ends = await all.value
        #expect(ends.filter(\.isSuccess).count == 18)
    }

    @Test("a run that cancels the task that it is in takes no other run with it", arguments: [1, 100])
    func cancelsItself(most: Int) async throws {
        let runner = try InMemoryRunner(Visit(meeting: Meeting(of: 0), cancelling: 4))
        let ends = await runner.runAll(self.contexts(100), inFlight: most)
        #expect(ends.filter(\.isSuccess).count == 89)
    }

    @Test("others have their turn while runs that never suspend are under way, and can cancel them")
    func breathes() async throws {
        let gone = Guarded(0)
        let runner = try InMemoryRunner(Visit(meeting: nil, gone: gone))
        let contexts = self.contexts(2_000_000)
        let all = Task { await runner.runAll(contexts) }
        while gone.withLock({ $0 }) < 1000 { try await Task.sleep(for: .milliseconds(1)) }
        all.cancel()
        let ends = await all.value
        #expect(throws: CancellationError.self) { try #require(ends.last).get() }
    }

    @Test("a workflow with a total time has it for each run")
    func timeout() async throws {
        for end in await (try InMemoryRunner(Hurry())).runAll([.init(), .init(), .init()]) {
            let error = #expect(throws: CanoError.self) { try end.get() }
            #expect(error?.message.contains("longer than its definition allows") == true)
        }
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

extension Result {
    fileprivate var isSuccess: Bool {
        if case .success = self { true } else { false }
    }
}
