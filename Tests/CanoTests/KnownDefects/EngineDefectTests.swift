// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Logging
import Testing

/// What the engine could not do elsewhere, reproduced; each test carries the id of the defect.
@Suite("Known defects of the engine")
struct EngineDefectTests {
    private static func memory() -> MemoryStore { MemoryStore(clock: { TestClock.now() }) }

    @Test("L-ENG-01: edges are declared: a graph that cannot be run is refused before the first run")
    func declaredEdges() {
        let error = #expect(throws: CanoError.self) {
            var catalogue = WorkCatalogue()
            try catalogue.add(Islands())
        }
        #expect(error?.code == .invalidDefinition)
        #expect(error?.message.contains("'island' cannot be reached from 'start'") == true)
        #expect(error?.message.contains("there is no exit") == false)
    }

    @Test("L-ENG-02: a task's output decides how many branches there are")
    func dynamicFanOut() async throws {
        let ledger = Ledger()
        try await EmbeddedRunner.run(FanOut(ledger: ledger), on: Self.memory()) { runner in
            for width in [0, 1, 7] {
                let run = try await runner.start(FanOut.self, context: .init(width: width))
                #expect(try await run.outcome().context.squares == (0..<width).map { $0 * $0 })
            }
        }
    }

    @Test("L-ENG-03: branches return data in order, a quorum stops early, and one that is met proceeds at the timeout")
    func joins() async throws {
        let gate = Gate()
        try await EmbeddedRunner.run(Race(gate: gate), on: Self.memory()) { runner in
            let early = try await runner.start(Race.self, context: .init(slow: 3, needsAll: false))
            #expect(try await early.outcome().context.results == ["0", "1", "2", "cancelled"])
            let late = try await runner.start(Race.self, context: .init(slow: 2, needsAll: true))
            #expect(try await late.outcome().context.results == ["0", "1", "cancelled", "3"])
        }
    }

    @Test("L-ENG-04: children, signals, approvals and durable waits", arguments: StoreOfTests.allCases)
    func events(kind: StoreOfTests) async throws {
        try await kind.withStore { open in
            var catalogue = WorkCatalogue()
            let ledger = Ledger()
            try catalogue.add(Order(ledger: ledger))
            try catalogue.add(Bill(ledger: ledger))
            let store = try await open()
            try await EmbeddedRunner.run(catalogue, on: store) { runner in
                let run = try await runner.start(Order.self, context: .init(amount: 3))
                try await run.signal(.approval, Approval(approved: true, by: "eva"))
                #expect(try await run.outcome().context.log == ["approved by eva", "billed 3"])
            }
            await store.close()
        }
    }

    @Test("L-ENG-05: a task sees its run, state, visit, attempt, deadline, key and logger, and can be cancelled")
    func taskContext() async throws {
        let (seen, gate) = (Guarded<TaskContext?>(nil), Gate())
        var line = Line(ledger: Ledger())
        line.bodies[.two] = { task in
            seen.withLock { $0 = task }
            try await gate.pass()
        }
        try await EmbeddedRunner.run(line, on: Self.memory()) { runner in
            let run = try await runner.start(Line.self, context: .init())
            await gate.reached()
            let task = try #require(seen.withLock { $0 })
            #expect(task.run == run.id)
            #expect(task.state == "two" && task.visit == 2 && task.attempt == 1)
            #expect(task.idempotencyKey == "\(run.id)/2/step")
            let deadline = try #require(task.deadline)
            let left = ContinuousClock.now.duration(to: deadline)
            #expect(left > .seconds(3000) && left <= .seconds(3600))
            #expect(task.logger[metadataKey: "cano.run"].map { "\($0)" } == "\(run.id)")
            try await run.cancel()
            let error = await #expect(throws: CanoError.self) { try await run.outcome() }
            #expect(error?.code == .cancelled)
        }
    }

    @Test("L-ENG-06: an error that no other attempt can mend ends the step at once")
    func permanent() async throws {
        let ledger = Ledger()
        let line = Line(ledger: ledger, bodies: [.one: { _ in throw TaskFailure.permanent("no such account") }])
        try await EmbeddedRunner.run(line, on: Self.memory()) { runner in
            let run = try await runner.start(Line.self, context: .init())
            await #expect(throws: CanoError.self) { try await run.outcome() }
        }
        #expect(ledger.all == ["one"])
    }

    @Test("L-ENG-07: items are worked on at the same time, with what the workflow has, and tried again one by one")
    func items() async throws {
        let ledger = Ledger()
        try await EmbeddedRunner.run(Trip(ledger: ledger), on: Self.memory()) { runner in
            let run = try await runner.start(Trip.self, context: .init(legs: ["a", "flaky", "c"]))
            let result = try await run.outcome()
            #expect(result.context.booked == ["ticket to a", "ticket to flaky", "ticket to c"])
        }
        #expect(ledger.count(of: "book a") == 1 && ledger.count(of: "book flaky") == 1)
    }

    @Test("L-ENG-08: a compensatable step cannot overrun the total time: it is stopped, and undone")
    func totalTimeout() async throws {
        let (ledger, gate, store) = (Ledger(), Gate(), Self.memory())
        var configuration = EmbeddedRunner.Configuration()
        configuration.limits.settleTime = Span(milliseconds: 50)
        try await EmbeddedRunner.run(Overrun(ledger: ledger, gate: gate), on: store, configuration: configuration) {
            runner in
            let run = try await runner.start(Overrun.self, context: .init())
            await gate.reached()
            await #expect(throws: CanoError.self) { try await run.outcome() }
            #expect(try await run.status() == .timedOut)
        }
        #expect(ledger.all == ["undo unknown"])
    }

    @Test("L-ENG-09: a loop may turn as often as it likes: what is read to resume it stays the same")
    func loops() async throws {
        let (store, gate) = (Self.memory(), Gate())
        try await EmbeddedRunner.run(Wheel(gate: gate), on: store) { runner in
            let run = try await runner.start(Wheel.self, context: .init(left: 300))
            await gate.reached()
            let stored = try #require(await store.load(run.id))
            #expect(stored.tail.count <= 2 && stored.pushes.isEmpty)
            #expect(await store.history(of: run.id, after: 0, limit: 999).count > 300)
            gate.open()
            _ = try await run.outcome()
        }
    }
}

private struct Islands: Workflow {
    static let name = "islands"
    static let version = 1
    enum State: String, WorkflowState { case start, island, done }
    struct Context: Codable, Sendable {}

    func step(in state: State) -> Step<Self> {
        switch state {
        case .start: .router(to: .done, by: { _ in .done })
        case .island: .router(to: .done, by: { _ in .done })
        case .done: .exit
        }
    }
}

private struct FanOut: Workflow {
    static let name = "fan-out"
    static let version = 1
    enum State: String, WorkflowState { case plan, work, gather, done }
    struct Context: Codable, Sendable {
        var width: Int
        var numbers: [Int] = []
        var squares: [Int] = []
    }
    let ledger: Ledger

    func step(in state: State) -> Step<Self> {
        switch state {
        case .plan: .task(Plan(), to: .work)
        case .work: .split(over: \.numbers, Square(), to: .gather)
        case .gather: .task(Gather(), to: .done)
        case .done: .exit
        }
    }

    struct Plan: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {
            context.numbers = Array(0..<context.width)
        }
    }

    struct Square: BranchTask {
        func run(_ number: Int, _ task: TaskContext) async throws -> Int { number * number }
    }

    struct Gather: JoinTask {
        func run(_ context: inout Context, _ squares: [BranchResult<Int>], _ task: TaskContext) async throws {
            context.squares = squares.compactMap(\.value)
        }
    }
}

/// Four branches, one of which never ends.
private struct Race: Workflow {
    static let name = "race"
    static let version = 1
    enum State: String, WorkflowState { case choose, early, late, gather, done }
    struct Context: Codable, Sendable {
        var slow: Int
        var needsAll: Bool
        var results: [String] = []
    }
    struct Item: Codable, Sendable { var index: Int, slow: Int }
    let gate: Gate

    func step(in state: State) -> Step<Self> {
        switch state {
        case .choose: .router(to: .early, .late, by: { $0.needsAll ? .late : .early })
        case .early: .split(over: Items(), Runner(gate: self.gate), join: .quorum(3), to: .gather)
        case .late:
            .split(
                over: Items(),
                Runner(gate: self.gate),
                join: .partial(atLeast: 3, within: .seconds(3)),
                to: .gather
            )
        case .gather: .task(Gather(), to: .done)
        case .done: .exit
        }
    }

    struct Items: ExpandTask {
        func run(_ context: Context, _ task: TaskContext) async throws -> [Item] {
            (0..<4).map { Item(index: $0, slow: context.slow) }
        }
    }

    struct Runner: BranchTask {
        let gate: Gate
        func run(_ item: Item, _ task: TaskContext) async throws -> String {
            if item.index == item.slow { try await self.gate.pass() }
            return "\(item.index)"
        }
    }

    struct Gather: JoinTask {
        func run(_ context: inout Context, _ results: [BranchResult<String>], _ task: TaskContext) async throws {
            context.results = results.map { $0.value ?? "cancelled" }
        }
    }
}

private struct Overrun: Workflow {
    static let name = "overrun"
    static let version = 1
    static let timeout: Duration? = .seconds(2)
    enum State: String, WorkflowState { case pay, done }
    struct Context: Codable, Sendable {}
    let ledger: Ledger
    let gate: Gate

    func step(in state: State) -> Step<Self> {
        switch state {
        case .pay: .task(Pay(ledger: self.ledger, gate: self.gate), to: .done)
        case .done: .exit
        }
    }

    struct Pay: ContextTask, Compensatable {
        let ledger: Ledger
        let gate: Gate
        func run(_ context: inout Context, _ task: TaskContext) async throws -> Int {
            try await self.gate.pass()
            return 1
        }
        func undo(_ output: Int?, _ task: TaskContext) async throws {
            self.ledger.add("undo \(output.map { "\($0)" } ?? "unknown")")
        }
    }
}

private struct Wheel: Workflow {
    static let name = "wheel"
    static let version = 1
    enum State: String, WorkflowState { case turn, stop, done }
    struct Context: Codable, Sendable { var left: Int }
    let gate: Gate

    func step(in state: State) -> Step<Self> {
        switch state {
        case .turn: .task(Turn(), to: .turn, .stop)
        case .stop: .task(Stop(gate: self.gate), to: .done)
        case .done: .exit
        }
    }

    struct Turn: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws -> State {
            context.left -= 1
            return context.left > 0 ? .turn : .stop
        }
    }

    struct Stop: ContextTask {
        let gate: Gate
        func run(_ context: inout Context, _ task: TaskContext) async throws { try await self.gate.pass() }
    }
}
