// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@Suite("Scheduler on the embedded runner", .timeLimit(.minutes(3)))
struct SchedulerTests {
    private static func memory() -> any RunStore { MemoryStore(clock: { TestClock.now() }) }

    private static func quick() throws -> Schedules {
        var schedules = Schedules()
        try schedules.manual("trip", start: Trip.self, adjust: { $0.overlap = .bufferOne }) { _ in .init(legs: ["home"])
        }
        return schedules
    }

    @Test("L-SCHED-07, L-SCHED-08, F-SCHED-09: a triggered run takes a payload, and gives its state and context back")
    func trigger() async throws {
        try await EmbeddedRunner.run(Trip(ledger: Ledger()), on: Self.memory()) { runner in
            try await Scheduler.run(try Self.quick(), on: runner) { scheduler in
                let own = try await scheduler.trigger("trip", start: Trip.self, context: .init(legs: ["a", "b"]))
                #expect(try await own.outcome().context.booked == ["ticket to a", "ticket to b"])
                let made = try await scheduler.trigger("trip", start: Trip.self)
                let run = try await made.run()
                #expect(try await run.outcome().context.booked == ["ticket to home"])
                try await until { scheduler.status("trip")?.live.isEmpty == true }
                #expect(scheduler.status("trip")?.last?.run == run.id)
                #expect(scheduler.status("trip")?.runs == 2)
                #expect(scheduler.list().map(\.name) == ["trip"])
                #expect(scheduler.status("other") == nil)
                // The whole history of a scheduled run is there, as of any other (F-SCHED-19, L-OBS-03).
                #expect(try await runner.handle(run.id, of: Trip.self).status() == .succeeded)
                let wrong = await #expect(throws: CanoError.self) {
                    _ = try await scheduler.trigger("trip", start: Gated.self)
                }
                #expect(wrong?.message == "schedule 'trip' starts trip@1, not gated@1")
            }
        }
    }

    @Test("L-SCHED-01: a durable flow that fails goes on with its next tick, and one that was interrupted is resumed")
    func failing() async throws {
        let store = Self.memory()
        var schedules = Schedules()
        try schedules.every("trip", .milliseconds(100), start: Trip.self) { _ in .init(legs: ["never"]) }
        let tripped = schedules
        let schedule = try await EmbeddedRunner.run(Trip(ledger: Ledger()), on: store) { runner in
            try await Scheduler.run(tripped, on: runner) { scheduler in
                try await until { scheduler.status("trip")?.streak ?? 0 >= 3 }
                #expect(scheduler.status("trip")?.lastFailure?.contains("no such place") == true)
                return try await scheduler.ticks(of: "trip", limit: 100)
            }
        }
        #expect(schedule.count { $0.outcome == .started } >= 3)
        let runs = try await store.summaries(RunQuery())
        #expect(Set(runs.map(\.key)).count == runs.count)
        #expect(runs.allSatisfy { $0.key?.hasPrefix("schedule/trip/2027-") == true })
    }

    @Test("F-SCHED-05: a schedule of a workflow that the runner does not have starts nothing")
    func unknownWorkflow() async throws {
        var schedules = Schedules()
        try schedules.manual("gated", start: Gated.self) { _ in .init() }
        let unknown = schedules
        try await EmbeddedRunner.run(Trip(ledger: Ledger()), on: Self.memory()) { runner in
            let error = await #expect(throws: CanoError.self) {
                try await Scheduler.run(unknown, on: runner) { _ in Issue.record("it ran") }
            }
            #expect(error?.code == .unknownWorkflow)
        }
    }

    @Test("T-SCH-12, F-SCHED-18: when the body returns, runs stay in the store and nothing is undone")
    func bodyReturns() async throws {
        let store = Self.memory()
        let gate = Gate()
        var schedules = Schedules()
        try schedules.manual("gated", start: Gated.self) { _ in .init() }
        let gated = schedules
        let id = try await EmbeddedRunner.run(Gated(gate: gate), on: store) { runner in
            try await Scheduler.run(gated, on: runner) { scheduler in
                let run = try await scheduler.trigger("gated", start: Gated.self).run()
                await gate.reached()
                return run.id
            }
        }
        #expect(try await store.summary(of: id)?.status == .active)
        gate.open()
        try await EmbeddedRunner.run(Gated(gate: gate), on: store) { runner in
            #expect(try await runner.handle(id, of: Gated.self).outcome().context.steps == ["first", "second"])
        }
    }
}
