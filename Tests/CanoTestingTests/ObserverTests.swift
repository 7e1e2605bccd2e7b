// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoTesting
import Testing

@Suite("Events of runs")
struct ObserverTests {
    @Test("F-OBS-01 to F-OBS-05: every state entered, every attempt and every retry is told, in order")
    func order() async throws {
        let observer = RecordingObserver()
        let faults = TaskFaults()
        faults.failNext(.state(Order.State.reserve), with: TaskFailure("no stock", code: "stock"))
        let run = try await Self.run(.init(lines: ["a"]), observer, faults)
        try observer.expectPath(of: Order.self, .reserve, .send, .charge, .done)
        try observer.expectPath(of: run, Order.State.reserve, Order.State.send, Order.State.charge, Order.State.done)
        try observer.expectAllStatesEntered(of: Order.self)
        try observer.expectOutcome(.succeeded, of: run)
        try observer.expectBalance()
        #expect(
            observer.events(of: run).map(Self.line) == [
                "reserve started", "reserve entered",
                "reserve began Reserve 1", "reserve failed Reserve 1 stock", "reserve retrying Reserve 1",
                "reserve began Reserve 2", "reserve pushed",
                "reserve ended Reserve 2", "send entered",
                "send began items 1", "send ended items 1", "send expanded 1",
                "send began Send 1", "send ended Send 1", "send branch 0", "send pushed", "send joined",
                "charge entered", "charge began Charge 1", "charge ended Charge 1",
                "done entered", "done finished",
            ]
        )
    }

    @Test("F-OBS-16: what a run undoes is told, in exact reverse of what it did")
    func rollback() async throws {
        let observer = RecordingObserver()
        let run = try await Self.run(.init(lines: ["a", "b"], isRefused: true), observer)
        try observer.expectRollback(of: run)
        try observer.expectBalance()
        #expect(observer.statesNeverEntered(of: Order.self) == [.done])
        #expect(throws: ExpectationFailure.self) { try observer.expectAllStatesEntered(of: Order.self) }
        #expect(throws: ExpectationFailure.self) { try observer.expectOutcome(.succeeded, of: run) }
        #expect(throws: ExpectationFailure.self) { try observer.expectPath(of: Order.self, .reserve, .done) }
        let undone = observer.events(of: run)
            .contains { if case .compensating(.failed) = $0.kind { true } else { false } }
        #expect(undone)
    }

    @Test("a rollback in another order, or one that is not complete, is found")
    func wrongRollback() throws {
        let run = RunID(at: WallClock.now(), shard: ShardID(rawValue: 1), random: (1, 2))
        func event(_ kind: RunEvent.Kind, _ seq: Int) -> RunEvent {
            let definition = DefinitionKey(name: "order", version: 1)
            return RunEvent(
                run: run,
                definition: definition,
                state: "send",
                visit: 1,
                seq: seq,
                at: WallClock.now(),
                kind: kind
            )
        }
        let observer = RecordingObserver()
        observer.observe(event(.pushed(.step, isKnown: true), 2))
        observer.observe(event(.pushed(.branch(0), isKnown: true), 3))
        observer.observe(event(.compensated(entry: 2, nil), 5))
        #expect(throws: ExpectationFailure.self) { try observer.expectRollback(of: run) }
        observer.observe(event(.compensated(entry: 3, nil), 6))
        #expect(throws: ExpectationFailure.self) { try observer.expectRollback(of: run) }
    }

    @Test("L-OBS-01: an attempt that is lost, and one that nobody wants any more, end like all others")
    func losses() async throws {
        let observer = RecordingObserver()
        let faults = TaskFaults()
        faults.loseNext(.branch(0, of: Order.State.send), .afterRunning)
        let run = try await Self.run(.init(lines: ["a", "b"]), observer, faults)
        try observer.expectBalance()
        let ends = observer.events(of: run)
            .compactMap { event -> RunEvent.AttemptEnd? in
                if case .attemptEnded(let attempt, let end) = event.kind, attempt.path == .branch(0) {
                    end
                } else {
                    nil
                }
            }
        #expect(ends == [.lost(.workerGone), .succeeded])
    }

    @Test("L-OBS-01: a join that is decided early, and a cancelled run, leave no attempt open")
    func earlyJoin() async throws {
        let observer = RecordingObserver()
        var configuration = EmbeddedRunner.Configuration()
        configuration.observers = [observer]
        let store = MemoryStore(clock: WallClock.now)
        try await EmbeddedRunner.run(Race(), on: store, configuration: configuration) { runner in
            let won = try await runner.start(Race.self, context: .init(runners: [0, 60_000, 60_000]))
            _ = try await won.outcome()
            let stopped = try await runner.start(Race.self, context: .init(runners: [60_000, 60_000]))
            while !observer.events(of: stopped.id).contains(where: { Self.line($0) == "go began Sprint 1" }) {
                try await Task.sleep(for: .milliseconds(1))
            }
            try await stopped.cancel(by: "the test")
            await #expect(throws: CanoError.self) { try await stopped.outcome() }
            try observer.expectOutcome(.cancelled(by: "the test"), of: stopped.id)
            // F-OBS-10: once, with the state.
            let endings = observer.events(of: stopped.id).filter { if case .ending = $0.kind { true } else { false } }
            #expect(endings.map(\.state) == ["go"])
        }
        try observer.expectBalance()
    }

    @Test("F-OBS-07: nothing is told that is not durable, and beginnings and ends balance, wherever the process dies")
    func crashes() async throws {
        let points = try await CrashMatrix { $0.kinds = [.beforeCommit, .afterCommit, .afterAttempt] }
            .check { trial in
                let observer = RecordingObserver()
                var configuration = trial.configuration
                configuration.observers = [observer]
                let id = Guarded<RunID?>(nil)
                let result = await Self.result {
                    try await EmbeddedRunner.run(Order(), on: trial.store, configuration: configuration) { runner in
                        let run = try await runner.start(Order.self, context: .init(lines: ["a", "b"]), key: "order")
                        id.withLock { $0 = run.id }
                        return try await run.outcome().context
                    }
                }
                try observer.expectBalance()
                let run = id.withLock { $0 } ?? observer.events.first?.run
                if let run {
                    let newest = try await trial.data.history(of: run, after: 0, limit: 1000).last?.seq ?? 0
                    #expect(observer.events.allSatisfy { $0.seq <= newest }, "\(trial.point.map { "\($0)" } ?? "")")
                    let ends = observer.events.filter { if case .finished = $0.kind { true } else { false } }.count
                    #expect(ends <= 1)
                    if trial.process == 2 { #expect(!observer.events.contains { $0.kind == .started } || ends == 1) }
                }
                return try result.get()
            }
        #expect(points.count >= 12)
    }

    @Test("F-OBS-08: a run that goes on in another process is told to have been resumed")
    func resumed() async throws {
        let data = MemoryStore(clock: WallClock.now)
        let store = CrashingStore(data, at: .beforeAttempt(2))
        var configuration = EmbeddedRunner.Configuration()
        configuration.crash(with: store)
        let first = configuration
        _ = try await store.lifetime {
            try await EmbeddedRunner.run(Order(), on: store, configuration: first) { runner in
                let run = try await runner.start(Order.self, context: .init(lines: ["a"]), key: "order")
                return try await run.outcome().context
            }
        }
        let observer = RecordingObserver()
        let next = CrashingStore(data)
        configuration.crash(with: next)
        configuration.observers = [observer]
        try await EmbeddedRunner.run(Order(), on: next, configuration: configuration) { runner in
            let run = try await runner.start(Order.self, context: .init(lines: ["a"]), key: "order")
            _ = try await run.outcome()
            #expect(observer.events(of: run.id).first?.kind == .resumed)
            let orphaned = observer.events(of: run.id)
                .contains {
                    if case .attemptOrphaned(_, .owner) = $0.kind { true } else { false }
                }
            #expect(orphaned)
            try observer.expectPath(of: run.id, Order.State.charge, Order.State.done)
        }
    }

    @Test("a reader that is too slow loses the oldest events, and is told how many")
    func stream() async throws {
        let events = RunEvents(capacity: 4)
        let observer = RecordingObserver()
        var configuration = EmbeddedRunner.Configuration()
        configuration.observers = [events, observer]
        let store = MemoryStore(clock: WallClock.now)
        try await EmbeddedRunner.run(Order(), on: store, configuration: configuration) { runner in
            _ = try await runner.start(Order.self, context: .init(lines: [])).outcome()
        }
        var read: [RunEvent] = []
        for await event in events { read.append(event) }
        #expect(read.count == 4)
        #expect(read == observer.events.suffix(4))
        #expect(events.dropped == observer.events.count - 4)
    }

    // MARK: Helpers

    private static func run(
        _ context: Order.Context,
        _ observer: RecordingObserver,
        _ faults: TaskFaults? = nil
    ) async throws -> RunID {
        var configuration = EmbeddedRunner.Configuration()
        configuration.faults = faults
        configuration.observers = [observer]
        let store = MemoryStore(clock: WallClock.now)
        return try await EmbeddedRunner.run(Order(), on: store, configuration: configuration) { runner in
            let run = try await runner.start(Order.self, context: context)
            _ = await Self.result { try await run.outcome() }
            return run.id
        }
    }

    private static func result<Value: Sendable>(
        _ body: () async throws -> Value
    ) async -> Result<Value, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }

    private static func line(_ event: RunEvent) -> String {
        switch event.kind {
        case .started: "\(event.state) started"
        case .resumed: "\(event.state) resumed"
        case .entered: "\(event.state) entered"
        case .attemptStarted(let attempt): "\(event.state) began \(attempt.task) \(attempt.number)"
        case .attemptEnded(let attempt, .succeeded): "\(event.state) ended \(attempt.task) \(attempt.number)"
        case .attemptEnded(let attempt, .failed(let failure)):
            "\(event.state) failed \(attempt.task) \(attempt.number) \(failure.code)"
        case .attemptEnded(let attempt, let end): "\(event.state) \(end) \(attempt.task) \(attempt.number)"
        case .retrying(let attempt, _): "\(event.state) retrying \(attempt.task) \(attempt.number)"
        case .expanded(let branches): "\(event.state) expanded \(branches)"
        case .branchEnded(let index, _): "\(event.state) branch \(index)"
        case .joined: "\(event.state) joined"
        case .pushed: "\(event.state) pushed"
        case .finished: "\(event.state) finished"
        default: "\(event.state) \(event.kind)"
        }
    }
}

/// Whoever is first wins; the others are not waited for.
struct Race: Workflow {
    static let name = "race"
    static let version = 1
    enum State: String, WorkflowState { case go, done }
    struct Context: Codable, Sendable { var runners: [Int] }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .go: .split(over: \.runners, Sprint(), join: .any, to: .done)
        case .done: .exit
        }
    }

    struct Sprint: BranchTask {
        func run(_ milliseconds: Int, _ task: TaskContext) async throws -> Int {
            try await Task.sleep(for: .milliseconds(milliseconds))
            return milliseconds
        }
    }
}
