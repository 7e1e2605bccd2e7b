// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoSQLite
import CanoTesting
import Testing

@Suite("Virtual clock")
struct VirtualClockTests {
    @Test("F-TEST-04: a workflow that takes a month takes no time", arguments: ["memory", "file"])
    func month(_ kind: String) async throws {
        let clock = VirtualClock()
        let observer = RecordingObserver()
        try await CrashMatrixTests.fixture(kind, clock)
            .withData { data in
                let store = try await data.open()
                try await EmbeddedRunner.run(Month(), on: store, configuration: Self.configuration(clock, observer)) {
                    runner in
                    let run = try await runner.start(Month.self, context: .init(weeks: 4))
                    #expect(try await run.outcome().context.week == 4)
                    let times = observer.events(of: run.id).filter { $0.kind == .timerFired }.map(\.at)
                    let start = Instant(microseconds: 1_893_456_000_000_000)
                    #expect(times.map { $0.milliseconds(since: start) } == [8, 16, 24, 32].map { $0 * 86_400_000 })
                }
                await store.close()
            }
        #expect(clock.elapsed == Month.pause * 4)
    }

    @Test("back-off, an attempt's timeout and a run's total time are of the same clock")
    func deadlines() async throws {
        let clock = VirtualClock()
        let observer = RecordingObserver()
        let store = MemoryStore(clock: clock.storeTime)
        try await EmbeddedRunner.run(Slow(), on: store, configuration: Self.configuration(clock, observer)) { runner in
            let run = try await runner.start(Slow.self, context: .init())
            await #expect(throws: CanoError.self) { try await run.outcome() }
            try observer.expectOutcome(.timedOut, of: run.id)
            let ends = observer.events(of: run.id)
                .compactMap { event -> RunEvent.AttemptEnd? in
                    if case .attemptEnded(_, let end) = event.kind { end } else { nil }
                }
            // Ten minutes of work, then a pause of an hour.
            #expect(ends == Array(repeating: .lost(.timeout), count: 42))
            // F-OBS-09: once, with the reason.
            let endings = observer.events(of: run.id)
                .compactMap { event -> RunOutcome? in
                    if case .ending(let ending) = event.kind { ending.outcome } else { nil }
                }
            #expect(endings == [.timedOut])
        }
        #expect(clock.elapsed == .seconds(2885 * 60))
    }

    @Test("by hand, the clock goes as far as it is moved, and no further")
    func byHand() async throws {
        let clock = VirtualClock(pace: .byHand)
        let store = MemoryStore(clock: clock.storeTime)
        try await EmbeddedRunner.run(Month(), on: store, configuration: Self.configuration(clock)) { runner in
            let run = try await runner.start(Month.self, context: .init(weeks: 2))
            await clock.advance(by: Month.pause * 2 - .seconds(1))
            #expect(try await run.status() == .waiting)
            let summary = await store.history(of: run.id, after: 0, limit: 100)
            #expect(summary.filter { $0.kind == .entered && $0.state == "look" }.count == 1)
            await clock.advance(by: .seconds(1))
            #expect(try await run.status() == .succeeded)
        }
        #expect(clock.elapsed == Month.pause * 2)
    }

    @Test("code of a test waits by the clock too, and many runs do not disturb each other")
    func outside() async throws {
        let clock = VirtualClock()
        let store = MemoryStore(clock: clock.storeTime)
        try await EmbeddedRunner.run(Month(), on: store, configuration: Self.configuration(clock)) { runner in
            var runs: [EmbeddedRun<Month>] = []
            for weeks in 1...20 { runs.append(try await runner.start(Month.self, context: .init(weeks: weeks))) }
            try await clock.sleep(for: Month.pause * 10 + .seconds(1))
            var ended = 0
            for run in runs { ended += try await run.status() == .succeeded ? 1 : 0 }
            #expect(ended == 10)
            for run in runs { _ = try await run.outcome() }
            #expect(clock.elapsed == Month.pause * 20)
        }
    }

    @Test("a sleep that is cancelled ends, and the clock stands")
    func cancelled() async throws {
        let clock = VirtualClock(pace: .byHand)
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do { try await clock.sleep(for: .seconds(1)) } catch { return error is CancellationError }
                return false
            }
            group.cancelAll()
            #expect(await group.next() == true)
        }
        #expect(clock.elapsed == .zero)
    }

    @Test("a run that waits ends the same wherever the process dies", arguments: ["memory", "file"])
    func crashes(_ kind: String) async throws {
        try await CrashMatrix { $0.fixture = { CrashMatrixTests.fixture(kind, $0) } }
            .check { trial in
                try await EmbeddedRunner.run(Month(), on: trial.store, configuration: trial.configuration) { runner in
                    let run = try await runner.start(Month.self, context: .init(weeks: 2), key: "month")
                    let context = try await run.outcome().context
                    #expect(trial.clock.elapsed == Month.pause * 2, "\(trial.point.map { "\($0)" } ?? "none")")
                    return context
                }
            }
    }

    private static func configuration(
        _ clock: VirtualClock,
        _ observer: RecordingObserver? = nil
    ) -> EmbeddedRunner.Configuration {
        var configuration = EmbeddedRunner.Configuration()
        configuration.clock = clock
        if let observer { configuration.observers = [observer] }
        return configuration
    }
}

/// Looks once a week of eight days, for some weeks: longer than a run that waits is kept in memory.
struct Month: Workflow {
    static let pause = Duration.seconds(8 * 86_400)
    static let name = "month"
    static let version = 1
    enum State: String, WorkflowState { case sleep, look, done }
    struct Context: Codable, Sendable, Equatable {
        var weeks: Int
        var week = 0
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .sleep: .wait(Self.pause, to: .look)
        case .look: .task(Look(), to: .sleep, .done)
        case .done: .exit
        }
    }

    struct Look: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws -> State {
            context.week += 1
            return context.week < context.weeks ? .sleep : .done
        }
    }
}

/// Never has the time that it needs.
struct Slow: Workflow {
    static let name = "slow"
    static let version = 1
    static let timeout: Duration? = .seconds(2885 * 60)
    enum State: String, WorkflowState { case work, done }
    struct Context: Codable, Sendable {}

    func step(in state: State) -> Step<Self> {
        switch state {
        case .work:
            .task(Work(), retry: .fixed(attempts: 1000, every: .seconds(3600)), timeout: .seconds(600), to: .done)
        case .done: .exit
        }
    }

    struct Work: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {
            try await task.clock.sleep(for: .seconds(7200))
        }
    }
}
