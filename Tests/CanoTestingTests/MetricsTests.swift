// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoTesting
import CoreMetrics
import Logging
import MetricsTestKit
import Testing

@Suite("Metrics and logs of runs")
struct MetricsTests {
    @Test("F-MET-01 to F-MET-05, F-MET-12 to F-MET-18: runs, states, attempts, retries, branches and joins are counted")
    func counts() async throws {
        let factory = TestMetrics()
        let faults = TaskFaults()
        faults.failNext(.state(Order.State.reserve), times: 2)
        faults.loseNext(.branch(0, of: Order.State.send))
        try await Self.run(factory, faults) { runner in
            let run = try await runner.start(Order.self, context: .init(lines: ["a", "b"]), key: "k")
            _ = try await run.outcome()
            // The same run again: nothing new begins.
            _ = try await runner.start(Order.self, context: .init(lines: ["a", "b"]), key: "k").outcome()
        }
        #expect(try factory.count(.runsStarted, "order") == 1)
        #expect(try factory.count(.runsFinished, "order", "succeeded") == 1)
        #expect(try factory.count(.statesEntered, "order", "send") == 1)
        #expect(try factory.count(.statesEntered, "order", "done") == 1)
        #expect(try factory.count(.attemptsStarted, "order", "reserve", "step") == 3)
        #expect(try factory.count(.attemptsEnded, "order", "reserve", "step", "failed") == 2)
        #expect(try factory.count(.attemptsEnded, "order", "reserve", "step", "succeeded") == 1)
        #expect(try factory.count(.attemptsEnded, "order", "send", "branch", "lost") == 1)
        #expect(try factory.count(.retries, "order", "reserve", "step") == 2)
        #expect(try factory.count(.branchesEnded, "order", "send", "succeeded") == 2)
        #expect(try factory.count(.joinsDecided, "order", "send", "satisfied") == 1)
        let timer = try factory.expectTimer(
            MetricName.runDuration.rawValue,
            Self.labels(.runDuration, "order", "succeeded")
        )
        #expect(timer.values.count == 1)
        let attempts = try factory.expectTimer(
            MetricName.attemptDuration.rawValue,
            Self.labels(.attemptDuration, "order", "charge", "step", "succeeded")
        )
        #expect(attempts.values.count == 1)
        let commits = try factory.count(.commits, "answered")
        #expect(commits > 0)
        #expect(try factory.expectRecorder(MetricName.commitRecords.rawValue).values.count == Int(commits))
    }

    @Test("F-MET-07, F-MET-09, F-MET-11, F-MET-46: a time-out and a cancellation are outcomes of their own")
    func endings() async throws {
        let factory = TestMetrics()
        try await Self.run(factory) { runner in
            let late = try await runner.start(Late.self, context: .init())
            await #expect(throws: CanoError.self) { try await late.outcome() }
            let stopped = try await runner.start(Race.self, context: .init(runners: [60_000]))
            try await stopped.cancel()
            await #expect(throws: CanoError.self) { try await stopped.outcome() }
        }
        #expect(try factory.count(.runsFinished, "late", "timedOut") == 1)
        #expect(try factory.count(.runsFinished, "race", "cancelled") == 1)
        #expect(try factory.count(.rollbacksEnded, "late", "clean") == 1)
        let length = try factory.expectTimer(
            MetricName.runDuration.rawValue,
            Self.labels(.runDuration, "late", "timedOut")
        )
        #expect(length.values.count == 1)
    }

    @Test("F-MET-06: a run that goes on in another process is counted as resumed")
    func resumed() async throws {
        let data = MemoryStore(clock: WallClock.now)
        let dying = CrashingStore(data, at: .beforeAttempt(2))
        var configuration = EmbeddedRunner.Configuration()
        configuration.crash(with: dying)
        let first = configuration
        _ = try await dying.lifetime {
            try await EmbeddedRunner.run(Order(), on: dying, configuration: first) { runner in
                let run = try await runner.start(Order.self, context: .init(lines: ["a"]), key: "k")
                return try await run.outcome().context
            }
        }
        let factory = TestMetrics()
        let store = CrashingStore(data)
        configuration.crash(with: store)
        configuration.telemetry = Telemetry(metrics: factory, tracer: nil)
        try await EmbeddedRunner.run(Order(), on: store, configuration: configuration) { runner in
            _ = try await runner.start(Order.self, context: .init(lines: ["a"]), key: "k").outcome()
        }
        #expect(try factory.count(.runsResumed, "order") >= 1)
        #expect(try factory.count(.runsFinished, "order", "succeeded") == 1)
    }

    @Test("F-MET-22 to F-MET-26, F-MET-28: questions, steps, streams and batches are counted by their states")
    func shapes() async throws {
        let factory = TestMetrics()
        try await Self.run(factory) { runner in
            _ = try await runner.start(Mill.self, context: .init()).outcome()
        }
        #expect(try factory.count(.attemptsEnded, "mill", "ask", "step", "succeeded") == 3)
        #expect(try factory.count(.attemptsEnded, "mill", "count", "step", "succeeded") == 3)
        #expect(try factory.count(.attemptsEnded, "mill", "read", "step", "succeeded") == 1)
        // F-MET-26: two windows of two.
        #expect(try factory.count(.checkpoints, "mill", "read") == 2)
        #expect(try factory.count(.branchesEnded, "mill", "pack", "succeeded") == 2)
        #expect(try factory.count(.joinsDecided, "mill", "pack", "satisfied") == 1)
        #expect(try factory.count(.attemptsEnded, "mill", "pack", "step", "succeeded") == 1)
    }

    @Test("L-OBS-01: the gauge of running attempts comes back to zero, whatever becomes of them")
    func gauge() async throws {
        let factory = TestMetrics()
        try await Self.run(factory) { runner in
            let won = try await runner.start(Race.self, context: .init(runners: [0, 60_000, 60_000]))
            _ = try await won.outcome()
            let stopped = try await runner.start(Race.self, context: .init(runners: [60_000]))
            try await Task.sleep(for: .milliseconds(5))
            try await stopped.cancel()
            await #expect(throws: CanoError.self) { try await stopped.outcome() }
        }
        let gauge = try factory.expectMeter(MetricName.attemptsRunning.rawValue, Self.labels(.attemptsRunning, "race"))
        #expect(gauge.values.last == 0)
        #expect(gauge.values.allSatisfy { $0 >= 0 })
    }

    @Test("L-OBS-02: an undo that fails is counted once")
    func once() async throws {
        let factory = TestMetrics()
        let faults = TaskFaults()
        faults.failNext(.undo(of: Order.State.reserve), times: 10, with: .permanent("cannot be undone"))
        try await Self.run(factory, faults) { runner in
            let run = try await runner.start(Order.self, context: .init(lines: ["a"], isRefused: true))
            await #expect(throws: CanoError.self) { try await run.outcome() }
        }
        #expect(try factory.count(.undosEnded, "order", "failed") == 1)
        #expect(try factory.count(.undosEnded, "order", "succeeded") == 1)
        #expect(try factory.count(.rollbacksEnded, "order", "partial") == 1)
        #expect(try factory.count(.runsFinished, "order", "failed") == 1)
    }

    @Test("every run is in the metrics, and a key that is started again makes none")
    func everyRun() async throws {
        let factory = TestMetrics()
        try await Self.run(factory) { runner in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<20 {
                    group.addTask {
                        let run = try await runner.start(Order.self, context: .init(lines: []), key: "\(index % 10)")
                        _ = try await run.outcome()
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(try factory.count(.runsStarted, "order") == 10)
        #expect(try factory.count(.runsFinished, "order", "succeeded") == 10)
    }

    @Test("F-OBS-14: a run is logged with its ids; what is tried again is a warning, what fails is an error")
    func logs() async throws {
        let lines = Guarded<[String]>([])
        var logger = Logger(label: "test") { _ in LineHandler(lines: lines) }
        logger.logLevel = .info
        var configuration = EmbeddedRunner.Configuration()
        let faults = TaskFaults()
        faults.failNext(.state(Order.State.reserve), with: TaskFailure("no stock", code: "stock"))
        configuration.faults = faults
        configuration.observers = [LoggingObserver(logger)]
        let store = MemoryStore(clock: WallClock.now)
        try await EmbeddedRunner.run(Order(), on: store, configuration: configuration) { runner in
            let run = try await runner.start(Order.self, context: .init(lines: [], isRefused: true))
            await #expect(throws: CanoError.self) { try await run.outcome() }
        }
        #expect(
            lines.withLock { $0 } == [
                "warning attempt failed stock",
                "warning attempt will be followed by another",
                "warning attempt failed refused",
                "warning run turns back refused",
                "info entry undone",
                "error run failed refused",
            ]
        )
    }

    @Test("F-OBS-15: metrics are there as soon as swift-metrics is bootstrapped")
    func bootstrapped() async {
        await #expect(processExitsWith: .success) {
            let factory = TestMetrics()
            MetricsSystem.bootstrap(factory)
            let state = try await EmbeddedRunner.run(Order(), on: MemoryStore(clock: WallClock.now)) { runner in
                try await runner.start(Order.self, context: .init(lines: [])).outcome().state
            }
            guard state == .done else { fatalError("the run ended in '\(state)'") }
            let counters = factory.counters(label: MetricName.runsStarted.rawValue)
            guard counters.map(\.totalValue) == [1] else { fatalError("the run was not counted") }
        }
    }

    // MARK: Helpers

    private static func run(
        _ factory: TestMetrics,
        _ faults: TaskFaults? = nil,
        _ body: @escaping @Sendable (EmbeddedRunner) async throws -> Void
    ) async throws {
        var configuration = EmbeddedRunner.Configuration()
        configuration.telemetry = Telemetry(metrics: factory, tracer: nil)
        configuration.faults = faults
        var catalogue = WorkCatalogue()
        try catalogue.add(Order())
        try catalogue.add(Race())
        try catalogue.add(Late())
        try catalogue.add(Mill())
        let store = MemoryStore(clock: WallClock.now)
        try await EmbeddedRunner.run(catalogue, on: store, configuration: configuration, body)
    }

    private static func labels(_ name: MetricName, _ values: String...) -> [(String, String)] {
        Array(zip(name.labels, values))
    }
}

/// Has less time than it needs.
private struct Late: Workflow {
    static let name = "late"
    static let version = 1
    static let timeout: Duration? = .milliseconds(20)
    enum State: String, WorkflowState { case rest, done }
    struct Context: Codable, Sendable {}

    func step(in state: State) -> Step<Self> {
        switch state {
        case .rest: .wait(.seconds(3600), to: .done)
        case .done: .exit
        }
    }
}

/// Asks three times, counts in three steps, reads a stream and packs two parcels.
private struct Mill: Workflow {
    static let name = "mill"
    static let version = 1
    enum State: String, WorkflowState { case ask, count, read, pack, done }
    struct Context: Codable, Sendable {}

    func step(in state: State) -> Step<Self> {
        switch state {
        case .ask: .poll(Ask(), every: .milliseconds(1), to: .count)
        case .count: .stepped(Count(), to: .read)
        case .read: .stream(Read(), window: .count(2), to: .pack)
        case .pack: .batch(Pack(), to: .done)
        case .done: .exit
        }
    }

    struct Ask: PollTask {
        func poll(_ context: inout Context, _ task: TaskContext) async throws -> PollAnswer<Void> {
            task.attempt < 3 ? .pending : .ready
        }
    }

    struct Count: SteppedTask {
        func step(
            _ context: inout Context,
            after cursor: Int?,
            _ task: TaskContext
        ) async throws -> StepAnswer<Int, Void> {
            let number = cursor ?? 0
            return number < 2 ? .more(number + 1) : .done
        }
    }

    struct Read: StreamTask {
        func open(_ context: Context, after cursor: Int?, _ task: TaskContext) async throws -> AsyncStream<Int> {
            AsyncStream { continuation in
                for number in 1...4 { continuation.yield(number) }
                continuation.finish()
            }
        }

        func process(_ number: Int, _ task: TaskContext) async throws -> (Int, Int) { (number, number) }
        func flush(_ numbers: [Int], _ task: TaskContext) async throws -> WindowAnswer { .more }
        func close(_ context: inout Context, _ end: StreamEnd, _ task: TaskContext) async throws {}
    }

    struct Pack: BatchTask {
        func load(_ context: Context, _ task: TaskContext) async throws -> [Int] { [1, 2] }
        func process(_ parcel: Int, _ task: TaskContext) async throws -> Int { parcel }
        func finish(_ context: inout Context, _ results: [BranchResult<Int>], _ task: TaskContext) async throws {}
    }
}

/// Keeps what is logged: level, message and code, and whether the run's id is missing.
private struct LineHandler: LogHandler {
    let lines: Guarded<[String]>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let code = event.metadata?["cano.code"].map { " \($0)" } ?? ""
        let flaw = event.metadata?["cano.run"] == nil ? " without its run" : ""
        self.lines.withLock { $0.append("\(event.level) \(event.message)\(code)\(flaw)") }
    }
}
