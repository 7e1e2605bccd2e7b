// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@Suite("Embedded runner")
struct EmbeddedRunnerTests {
    @Test("a run splits, joins and finishes with the results in order")
    func splitAndJoin() async throws {
        let ledger = Ledger()
        try await EmbeddedRunner.run(Trip(ledger: ledger), on: Self.memory()) { runner in
            let run = try await runner.start(Trip.self, context: .init(legs: ["a", "flaky", "c"]))
            let result = try await run.outcome()
            #expect(result.state == .done)
            #expect(result.context.booked == ["ticket to a", "ticket to flaky", "ticket to c"])
            #expect(result.context.planned == 1)
        }
        #expect(ledger.all.first == "plan")
        #expect(ledger.all.last == "pay")
    }

    @Test("a run that fails undoes what it did, the newest first")
    func compensation() async throws {
        let ledger = Ledger()
        let store = Self.memory()
        try await EmbeddedRunner.run(Trip(ledger: ledger), on: store) { runner in
            let run = try await runner.start(Trip.self, context: .init(legs: ["a", "b"], failPayment: true))
            let error = await #expect(throws: CanoError.self) { try await run.outcome() }
            #expect(error?.code == .runFailed)
            #expect(try await run.status() == .failed)
            let history = try await store.history(of: run.id, after: 0, limit: 100)
            let pushed = history.filter { $0.kind == .sagaPushed }.map(\.seq)
            let undone = history.filter { $0.kind == .compensated }.compactMap { $0.number.map(Int.init) }
            #expect(undone == pushed.reversed())
        }
        #expect(ledger.all.last == "undo plan 2")
        #expect(ledger.all.filter { $0.hasPrefix("undo") }.count == 3)
    }

    @Test("a split whose join cannot be satisfied any more fails the run at once")
    func joinFails() async throws {
        let ledger = Ledger()
        try await EmbeddedRunner.run(Trip(ledger: ledger), on: Self.memory()) { runner in
            let run = try await runner.start(Trip.self, context: .init(legs: ["never"]))
            let error = await #expect(throws: CanoError.self) { try await run.outcome() }
            #expect(error?.message.contains("no such place") ?? false)
        }
        #expect(ledger.all == ["plan", "undo plan 1"])
    }

    @Test("runs can be started from the first moment on", arguments: 0..<100)
    func immediateStart(round: Int) async throws {
        try await EmbeddedRunner.run(Trip(ledger: Ledger()), on: Self.memory()) { runner in
            let run = try await runner.start(Trip.self, context: .init(legs: []))
            #expect(try await run.outcome().state == .done)
        }
    }

    @Test("the same key gives the same run, another context is refused")
    func keys() async throws {
        try await EmbeddedRunner.run(Trip(ledger: Ledger()), on: Self.memory()) { runner in
            let first = try await runner.start(Trip.self, context: .init(legs: []), key: "k")
            let again = try await runner.start(Trip.self, context: .init(legs: []), key: "k")
            #expect(first.id == again.id)
            #expect(first.isNew && !again.isNew)
            _ = try await first.outcome()
            let late = try await runner.start(Trip.self, context: .init(legs: []), key: "k")
            #expect(late.id == first.id)
            let error = await #expect(throws: CanoError.self) {
                _ = try await runner.start(Trip.self, context: .init(legs: ["x"]), key: "k")
            }
            #expect(error?.code == .keyInUse)
        }
    }

    @Test("many runs at once all finish")
    func many() async throws {
        let ledger = Ledger()
        try await EmbeddedRunner.run(Trip(ledger: ledger), on: Self.memory()) { runner in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<200 {
                    group.addTask {
                        let run = try await runner.start(Trip.self, context: .init(legs: ["\(index)", "flaky"]))
                        let result = try await run.outcome()
                        #expect(result.context.booked == ["ticket to \(index)", "ticket to flaky"])
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(ledger.all.filter { $0 == "pay" }.count == 200)
    }

    @Test("a run that was interrupted goes on when the store is opened again")
    func resume() async throws {
        let store = Self.memory()
        let gate = Gate()
        let id = try await EmbeddedRunner.run(Gated(gate: gate), on: store) { runner in
            let run = try await runner.start(Gated.self, context: .init())
            await gate.reached()
            return run.id
        }
        gate.open()
        try await EmbeddedRunner.run(Gated(gate: gate), on: store) { runner in
            let result = try await runner.handle(id, of: Gated.self).outcome()
            #expect(result.context.steps == ["first", "second"])
        }
        let lost = try await store.history(of: id, after: 0, limit: 100).filter { $0.kind == .attemptLost }
        #expect(lost.map(\.reason) == ["owner"])
    }

    @Test("cancelling a run stops the task that it is in, and the next run has its slot")
    func cancelRunning() async throws {
        let gate = Gate()
        var configuration = EmbeddedRunner.Configuration()
        configuration.slots = 1
        try await EmbeddedRunner.run(Gated(gate: gate), on: Self.memory(), configuration: configuration) { runner in
            let first = try await runner.start(Gated.self, context: .init())
            await gate.reached()
            try await first.cancel(by: "a test")
            let error = await #expect(throws: CanoError.self) { try await first.outcome() }
            #expect(error?.code == .cancelled)
            gate.open()
            let second = try await runner.start(Gated.self, context: .init())
            #expect(try await second.outcome().context.steps == ["first", "second"])
        }
    }

    private static func memory() -> any RunStore {
        MemoryStore(clock: { TestClock.now() })
    }
}

/// Stops in its second state until the gate is open.
struct Gated: Workflow {
    static let name = "gated"
    static let version = 1
    enum State: String, WorkflowState { case first, second, done }
    struct Context: Codable, Sendable { var steps: [String] = [] }
    let gate: Gate

    func step(in state: State) -> Step<Self> {
        switch state {
        case .first: .task(First(), to: .second)
        case .second: .task(Second(gate: self.gate), to: .done)
        case .done: .exit
        }
    }

    struct First: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws { context.steps.append("first") }
    }

    struct Second: ContextTask {
        let gate: Gate
        func run(_ context: inout Context, _ task: TaskContext) async throws {
            try await self.gate.pass()
            context.steps.append("second")
        }
    }
}

/// Lets tasks wait for the test and the test for tasks.
final class Gate: Sendable {
    private let opened = Guarded(false)
    private let arrivals = Mailbox<Void>()

    var isOpen: Bool { self.opened.withLock { $0 } }

    func open() { self.opened.withLock { $0 = true } }

    func pass() async throws {
        self.arrivals.post(())
        while !self.isOpen { try await Task.sleep(for: .milliseconds(1)) }
    }

    func reached() async { _ = await self.arrivals.next() }
}

/// The system's time as an instant.
enum TestClock {
    private static let origin = ContinuousClock.now

    static func now() -> Instant {
        Instant(microseconds: 1_800_000_000_000_000).advanced(by: Span(Self.origin.duration(to: .now)))
    }
}
