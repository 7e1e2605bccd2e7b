// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoTesting
import CoreMetrics
import MetricsTestKit
import Testing
import Tracing

@Suite("Metrics and traces of scheduled runs", .timeLimit(.minutes(3)))
struct ScheduledTelemetryTests {
    @Test("L-OBS-03, F-SCHED-19, T-TRC-3: a scheduled run is in the metrics and in a trace, like any other")
    func scheduled() async throws {
        let factory = TestMetrics()
        let tracer = HeaderTracer()
        var configuration = EmbeddedRunner.Configuration()
        configuration.telemetry = Telemetry(metrics: factory, tracer: tracer)
        var schedules = Schedules()
        try schedules.manual("nightly", start: Order.self) { _ in .init(lines: ["a", "b"]) }
        let nightly = schedules
        let store = MemoryStore(clock: WallClock.now)
        try await EmbeddedRunner.run(Order(), on: store, configuration: configuration) { runner in
            try await Scheduler.run(nightly, on: runner) { scheduler in
                let run = try await scheduler.trigger("nightly", start: Order.self).run()
                _ = try await run.outcome()
            }
        }
        #expect(try Self.count(factory, .runsStarted, "order") == 1)
        #expect(try Self.count(factory, .runsFinished, "order", "succeeded") == 1)
        let names = tracer.spans.map(\.operationName)
        #expect(names.filter { $0 == "cano.start" }.count == 1)
        #expect(names.filter { $0 == "cano.run" }.count == 1)
        // The reservation, each line and the charge at least: branches are in it, too.
        #expect(names.filter { $0 == "cano.attempt" }.count >= 4)
        #expect(Set(tracer.spans.map(\.ids.trace)).count == 1)
    }

    private static func count(_ factory: TestMetrics, _ name: MetricName, _ values: String...) throws -> Int64 {
        try factory.expectCounter(name.rawValue, Array(zip(name.labels, values))).values.reduce(0, +)
    }
}
