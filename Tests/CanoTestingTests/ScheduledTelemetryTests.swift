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
        #expect(try factory.count(.runsStarted, "order") == 1)
        #expect(try factory.count(.runsFinished, "order", "succeeded") == 1)
        let names = tracer.spans.map(\.operationName)
        #expect(names.filter { $0 == "cano.start" }.count == 1)
        #expect(names.filter { $0 == "cano.run" }.count == 1)
        // The reservation, each line and the charge at least: branches are in it, too.
        #expect(names.filter { $0 == "cano.attempt" }.count >= 4)
        #expect(Set(tracer.spans.map(\.ids.trace)).count == 1)
    }

    @Test("F-MET-40 to F-MET-42: ticks are counted as the ledger has them, trips too, and the runs that go on")
    func ticks() async throws {
        let factory = TestMetrics()
        var configuration = EmbeddedRunner.Configuration()
        configuration.telemetry = Telemetry(metrics: factory, tracer: nil)
        var schedules = Schedules()
        try schedules.every("often", .milliseconds(100), start: Order.self) { settings in
            settings.tripsAfter = 2
            settings.backoff = ScheduleBackoff { $0.initialDelay = .seconds(1) }
        } context: { _ in
            .init(lines: [], isRefused: true)
        }
        let often = schedules
        let ledger = MemoryScheduleStore()
        let store = MemoryStore(clock: WallClock.now)
        try await EmbeddedRunner.run(Order(), on: store, configuration: configuration) { runner in
            try await Scheduler.run(often, on: runner, store: ledger) { scheduler in
                while !scheduler.list().contains(where: { $0.trip != nil }) {
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
        }
        let rows = await ledger.ticks(of: "often", limit: .max)
        for outcome in [TickOutcome.started, .backingOff] {
            let decided = rows.filter { $0.outcome == outcome }.map(\.count).reduce(0, +)
            #expect(decided > 0)
            #expect(try factory.count(.ticks, "order", outcome.rawValue) == Int64(decided))
        }
        #expect(try factory.count(.scheduleTrips, "order") == 1)
        let running = try factory.levels(.scheduledRuns, "order")
        #expect(running.contains(1))
        #expect(running.last == 0)
    }
}
