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
        #expect(try Self.count(factory, .runsStarted, "order") == 1)
        #expect(try Self.count(factory, .runsFinished, "order", "succeeded") == 1)
        #expect(try Self.count(factory, .statesEntered, "order", "send") == 1)
        #expect(try Self.count(factory, .statesEntered, "order", "done") == 1)
        #expect(try Self.count(factory, .attemptsStarted, "order", "reserve", "step") == 3)
        #expect(try Self.count(factory, .attemptsEnded, "order", "reserve", "step", "failed") == 2)
        #expect(try Self.count(factory, .attemptsEnded, "order", "reserve", "step", "succeeded") == 1)
        #expect(try Self.count(factory, .attemptsEnded, "order", "send", "branch", "lost") == 1)
        #expect(try Self.count(factory, .retries, "order", "reserve", "step") == 2)
        #expect(try Self.count(factory, .branchesEnded, "order", "send", "succeeded") == 2)
        #expect(try Self.count(factory, .joinsDecided, "order", "send", "satisfied") == 1)
        let timer = try factory.expectTimer(
            MetricName.runDuration.rawValue,
            Self.labels(.runDuration, "order", "succeeded")
        )
        #expect(timer.values.count == 1)
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
        #expect(try Self.count(factory, .undosEnded, "order", "failed") == 1)
        #expect(try Self.count(factory, .undosEnded, "order", "succeeded") == 1)
        #expect(try Self.count(factory, .rollbacksEnded, "order", "partial") == 1)
        #expect(try Self.count(factory, .runsFinished, "order", "failed") == 1)
    }

    @Test("L-OBS-03: every run is in the metrics, whoever started it")
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
        #expect(try Self.count(factory, .runsStarted, "order") == 10)
        #expect(try Self.count(factory, .runsFinished, "order", "succeeded") == 10)
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
        let store = MemoryStore(clock: WallClock.now)
        try await EmbeddedRunner.run(catalogue, on: store, configuration: configuration, body)
    }

    private static func labels(_ name: MetricName, _ values: String...) -> [(String, String)] {
        Array(zip(name.labels, values))
    }

    private static func count(_ factory: TestMetrics, _ name: MetricName, _ values: String...) throws -> Int64 {
        try factory.expectCounter(name.rawValue, Array(zip(name.labels, values))).values.reduce(0, +)
    }
}

/// Keeps what is logged: level, message and code.
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
        self.lines.withLock { $0.append("\(event.level) \(event.message)\(code)") }
    }
}
