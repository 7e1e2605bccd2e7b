// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Logging
import Testing

@testable import Cano

@Suite("Scheduler in virtual time", .timeLimit(.minutes(3)))
struct SchedulerShellTests {
    private static let minute = Span.seconds(60)

    private static func schedules(_ adjust: (inout ScheduleSettings) -> Void = { _ in }) throws -> Schedules {
        var schedules = Schedules()
        try schedules.every("tick", .seconds(60), start: Gated.self, adjust: adjust) { tick in
            Gated.Context(steps: [tick.id.nominal.iso8601])
        }
        try schedules.manual("hand", start: Gated.self) { _ in .init() }
        return schedules
    }

    /// Runs a scheduler over virtual time; it is stopped behind `body`.
    private static func with(
        _ schedules: Schedules,
        store: any ScheduleStore = MemoryScheduleStore(),
        host: VirtualScheduleHost = VirtualScheduleHost(),
        _ body: (SchedulerShell, VirtualScheduleHost) async throws -> Void
    ) async throws {
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let shell = SchedulerShell(host: host, store: store, limits: Limits(), logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await shell.run() }
            defer { group.cancelAll() }
            try await shell.add(schedules.entries)
            try await body(shell, host)
            _ = await shell.stop(.leave)
        }
    }

    private static func state(_ shell: SchedulerShell, _ name: String = "tick") -> Schedule.State? {
        shell.core.withLock { $0.members[name]?.schedule.state }
    }

    @Test("F-SCHED-08, L-SCHED-01: each tick is a run of its own, with a key of its own, whatever became of the last")
    func ticks() async throws {
        try await Self.with(try Self.schedules()) { shell, host in
            for (index, end) in [Schedule.RunEnd.failed("no"), .cancelled(isClean: true), .succeeded].enumerated() {
                host.advance(by: Self.minute)
                try await until { host.starts.count == index + 1 }
                try await until { Self.state(shell)?.live.first?.run != nil }
                host.end(host.keys[index], end)
                try await until { Self.state(shell)?.last?.end == end && Self.state(shell)?.live.isEmpty == true }
            }
            #expect(Set(host.keys).count == 3)
            #expect(host.keys[0] == "schedule/tick/2027-01-15T08:01:00.000Z")
            #expect(host.starts[0].context == .json(#"{"steps":["2027-01-15T08:01:00.000Z"]}"#))
            #expect(host.starts[0].workflow == DefinitionKey(name: "gated", version: 1))
            let rows = try await shell.store.ticks(of: "tick", limit: 10)
            #expect(rows.map(\.outcome) == [.started, .started, .started])
        }
    }

    @Test("T-SCH-2, F-SCHED-15, F-SCHED-16, F-SCHED-17: stopping ends a sleep of an hour, and twice is once")
    func stop() async throws {
        var schedules = Schedules()
        try schedules.every("hourly", .seconds(3600), start: Gated.self) { _ in .init() }
        try schedules.cron("daily", "@daily", start: Gated.self) { _ in .init() }
        try await Self.with(schedules) { shell, host in
            async let waited: Void = shell.wait()
            try await until { host.sleepers == [VirtualScheduleHost.hour(9)] }
            #expect(await shell.stop(.wait(.seconds(30))) == 0)
            #expect(host.sleepers.isEmpty)
            #expect(await shell.stop(.cancel(within: .seconds(30))) == 0)
            await waited
        }
    }

    @Test("L-SCHED-02: a run that does not end holds a stop up as long as was said, and no longer")
    func wedged() async throws {
        try await Self.with(try Self.schedules()) { shell, host in
            host.advance(by: Self.minute)
            try await until { Self.state(shell)?.live.first?.run != nil }
            let end = host.now().advanced(by: .seconds(90))
            async let left = shell.stop(.wait(.seconds(90)))
            // Nobody sleeps until the tick that comes due meanwhile.
            try await until { host.sleepers == [end] }
            host.advance(by: .seconds(89))
            #expect(host.sleepers == [end])
            host.advance(by: .seconds(1))
            #expect(await left == 1)
            #expect(host.starts.count == 1)
            #expect(host.cancelled.isEmpty)
            #expect(try await shell.store.ticks(of: "tick", limit: 10).map(\.outcome) == [.started])
        }
    }

    @Test("L-SCHED-03: a stop that cancels reaches a run that is just being started")
    func cancelOnStop() async throws {
        let host = VirtualScheduleHost()
        let gate = host.closeGate()
        try await Self.with(try Self.schedules(), host: host) { shell, host in
            host.advance(by: Self.minute)
            try await until { Self.state(shell)?.live.count == 1 }
            async let left = shell.stop(.cancel(within: .seconds(90)))
            try await until { shell.core.withLock { $0.isStopping } }
            // The tick that comes due meanwhile is neither started nor decided when the run ends.
            host.advance(by: Self.minute)
            gate.fulfil(())
            #expect(await left == 0)
            #expect(Self.state(shell)?.live.isEmpty == true)
            #expect(Self.state(shell)?.runs == 1)
            #expect(host.cancelled == [host.run(host.keys[0])])
            #expect(Self.state(shell)?.last?.end == .cancelled(isClean: true))
        }
    }

    @Test("L-SCHED-02: a store of schedules that is away holds a stop up as long as was said, and no longer")
    func stopWithoutStore() async throws {
        for (policy, seconds) in [(Scheduler.StopPolicy.wait(.seconds(30)), 30 as Int64), (.leave, 0)] {
            let store = FlakyScheduleStore()
            try await Self.with(try Self.schedules(), store: store) { shell, host in
                store.failures.withLock { $0 = .max }
                host.advance(by: Self.minute)
                try await until { store.failures.withLock { $0 < .max } }
                let end = host.now().advanced(by: .seconds(seconds))
                async let left = shell.stop(policy)
                try await until { shell.deadline.withLock { $0 } == end }
                while host.now() < end { try await host.skipPause() }
                #expect(await left == 0)
                #expect(host.now() == end)
                // What could not be kept was not done.
                #expect(host.starts.isEmpty)
                #expect(try await shell.store.ticks(of: "tick", limit: 10).isEmpty)
            }
        }
    }

    @Test("T-SCH-3, F-SCHED-20: a context that cannot be made fails the tick and strands nothing")
    func noContext() async throws {
        var schedules = Schedules()
        try schedules.every("tick", .seconds(60), start: Gated.self) { _ in throw TaskFailure("no idea") }
        try await Self.with(schedules) { shell, host in
            host.advance(by: Self.minute)
            try await until { Self.state(shell)?.streak == 1 }
            #expect(Self.state(shell)?.live.isEmpty == true)
            #expect(Self.state(shell)?.lastFailure?.contains("schedule 'tick' has no context") == true)
            host.advance(by: Self.minute)
            try await until { Self.state(shell)?.streak == 2 }
            // The schedule decides before it is kept.
            try await until { try await shell.store.ticks(of: "tick", limit: 10).count == 4 }
            let rows = try await shell.store.ticks(of: "tick", limit: 10)
            #expect(rows.map(\.outcome) == [.startFailed, .started, .startFailed, .started])
        }
    }

    @Test("a store of runs that is away delays a start, and does not fail the tick")
    func busyEngine() async throws {
        let host = VirtualScheduleHost()
        host.refuse([CanoError(.storeUnavailable, "away"), CanoError(.notOwner, "not now")])
        try await Self.with(try Self.schedules(), host: host) { shell, host in
            host.advance(by: Self.minute)
            for _ in 0..<2 {
                #expect(host.starts.isEmpty)
                try await host.skipPause()
            }
            try await until { Self.state(shell)?.live.first?.run != nil }
            #expect(host.starts.count == 1)
            #expect(Self.state(shell)?.streak == 0)
        }
    }

    @Test("F-SCHED-14, T-SCH-11: cancelling an idle schedule does nothing; a name nobody knows is an error")
    func cancel() async throws {
        try await Self.with(try Self.schedules()) { shell, host in
            try shell.send(.cancelled, to: "tick")
            host.advance(by: Self.minute)
            try await until { Self.state(shell)?.live.first?.run != nil }
            #expect(host.cancelled.isEmpty)
            try shell.send(.cancelled, to: "tick")
            try await until { Self.state(shell)?.last?.end == .cancelled(isClean: true) }
            // T-SCAN-9: the schedule goes on, and nothing counts as a failure.
            #expect(Self.state(shell)?.streak == 0)
            host.advance(by: Self.minute)
            try await until { host.starts.count == 2 }
            let error = #expect(throws: CanoError.self) { try shell.send(.cancelled, to: "tock") }
            #expect(error?.code == .unknownSchedule)
        }
    }

    @Test("L-SCHED-08, T-SCH-5, F-SCHED-21: a wish has a payload and a run to wait for, and leaves nothing behind")
    func triggers() async throws {
        try await Self.with(try Self.schedules()) { shell, host in
            for index in 0..<20 {
                let wish = try await shell.trigger("hand", payload: .json("\(index)"), isForced: false)
                #expect(await wish.answer.value() == .some(.started))
                let run = try #require(await wish.run.value()).get()
                #expect(host.starts.last?.context == .json("\(index)"))
                host.end(host.keys[index], .succeeded)
                try await until { Self.state(shell, "hand")?.last?.run == run }
            }
            #expect(Self.state(shell, "hand")?.live.isEmpty == true)
            #expect(Self.state(shell, "hand")?.runs == 20)
            #expect(Set(host.keys).count == 20)
        }
    }

    @Test("T-SCH-6: a scheduler that has stopped says so")
    func afterStop() async throws {
        try await Self.with(try Self.schedules()) { shell, _ in
            _ = await shell.stop(.leave)
            let sent = #expect(throws: CanoError.self) { try shell.send(.reset, to: "tick") }
            #expect(sent?.code == .shuttingDown)
            let wished = await #expect(throws: CanoError.self) {
                _ = try await shell.trigger("hand", payload: nil, isForced: false)
            }
            #expect(wished?.code == .shuttingDown)
            let added = await #expect(throws: CanoError.self) { try await shell.add([]) }
            #expect(added?.code == .shuttingDown)
        }
    }

    @Test(
        "L-SCHED-04: after a restart counts and pauses are there, runs are watched, missed ticks caught up"
    )
    func restart() async throws {
        let store = MemoryScheduleStore()
        let host = VirtualScheduleHost()
        try await Self.with(try Self.schedules(), store: store, host: host) { shell, host in
            host.advance(by: Self.minute)
            try await until { Self.state(shell)?.live.first?.run != nil }
            try shell.send(.paused(by: "ada", note: "holiday"), to: "hand")
            try await until { Self.state(shell, "hand")?.pause != nil }
        }
        #expect(host.cancelled.isEmpty)
        host.advance(by: .seconds(3600))
        try await Self.with(try Self.schedules(), store: store, host: host) { shell, host in
            #expect(Self.state(shell)?.runs == 1)
            #expect(Self.state(shell, "hand")?.pause?.note == "holiday")
            // The run of before is not started again, but it still keeps the next tick from overlapping.
            #expect(host.starts.count == 1)
            let rows = await store.ticks(of: "tick", limit: 10)
            #expect(rows.map(\.outcome) == [.overlapped, .superseded, .started])
            #expect(rows[1].count == 59)
            host.end(host.keys[0], .failed("no"))
            try await until { Self.state(shell)?.streak == 1 }
            host.advance(by: Self.minute)
            try await until { host.starts.count == 2 }
        }
    }

    @Test("a tick that was decided and not started when the process died is started under the same key, once")
    func crashBeforeStart() async throws {
        let store = MemoryScheduleStore()
        let host = VirtualScheduleHost()
        let gate = host.closeGate()
        try await Self.with(try Self.schedules(), store: store, host: host) { shell, host in
            host.advance(by: Self.minute)
            try await until { Self.state(shell)?.live.count == 1 }
        }
        #expect(host.starts.isEmpty)
        gate.fulfil(())
        try await Self.with(try Self.schedules(), store: store, host: host) { shell, host in
            try await until { Self.state(shell)?.live.first?.run != nil }
            #expect(host.keys == ["schedule/tick/2027-01-15T08:01:00.000Z"])
            #expect(Self.state(shell)?.runs == 1)
        }
    }

    @Test("nothing is started before it is kept: while the store of schedules is away, ticks wait")
    func storeAway() async throws {
        let store = FlakyScheduleStore()
        try await Self.with(try Self.schedules(), store: store) { shell, host in
            store.failures.withLock { $0 = 3 }
            host.advance(by: Self.minute)
            for _ in 0..<3 {
                #expect(host.starts.isEmpty)
                try await host.skipPause()
            }
            try await until { host.starts.count == 1 }
            #expect(store.failures.withLock { $0 } == 0)
            #expect(try await store.ticks(of: "tick", limit: 10).count == 1)
        }
    }

    @Test("L-SCHED-04: schedules are added, changed and removed while others run")
    func changes() async throws {
        try await Self.with(try Self.schedules()) { shell, host in
            var more = Schedules()
            try more.every("fast", .seconds(1), start: Gated.self) { _ in .init() }
            try await shell.add(more.entries)
            let twice = await #expect(throws: CanoError.self) { try await shell.add(more.entries) }
            #expect(twice?.message.contains("there is a schedule 'fast' already") == true)
            host.advance(by: .seconds(1))
            try await until { host.keys.contains { $0.hasPrefix("schedule/fast/") } }
            try shell.send(.edited(ScheduleSettings(ScheduleSpec(.every(.seconds(3600))))), to: "tick")
            try shell.remove("fast")
            try await until { Self.state(shell, "fast") == nil }
            #expect(Self.state(shell)?.revision == 2)
            // One alarm for all: the times of before the change and of the removed one wake nobody.
            try await until { host.sleepers == [VirtualScheduleHost.hour(9)] }
            host.advance(by: .seconds(120))
            #expect(host.sleepers == [VirtualScheduleHost.hour(9)])
            #expect(host.starts.count == 1)
            host.advance(by: .seconds(3600))
            try await until { host.starts.count == 2 }
            #expect(host.keys[1] == "schedule/tick/2027-01-15T09:00:00.000Z")
            let nothing = #expect(throws: CanoError.self) { try shell.remove("fast") }
            #expect(nothing?.code == .unknownSchedule)
        }
    }

    @Test(
        "F-SCHED-02, F-SCHED-05, T-SCH-1: names are unique, and settings that cannot be followed start nothing at all"
    )
    func refusals() async throws {
        var schedules = try Self.schedules()
        #expect(schedules.count == 2 && schedules.contains("hand") && !schedules.isEmpty)
        let twice = #expect(throws: CanoError.self) { try schedules.manual("hand", start: Gated.self) { _ in .init() } }
        #expect(twice?.code == .invalidSchedule)
        let cron = #expect(throws: CanoError.self) {
            try schedules.cron("c", "0 25 * * *", zone: "UTC", start: Gated.self) { _ in .init() }
        }
        #expect(cron?.message.contains("hour, column 3") == true)
        let zone = #expect(throws: CanoError.self) {
            try schedules.cron("c", "@daily", zone: "../../etc/passwd", start: Gated.self) { _ in .init() }
        }
        #expect(zone?.message.contains("is no time zone") == true)
        var bad = Schedules()
        try bad.every("good", .seconds(1), start: Gated.self) { _ in .init() }
        try bad.every("zero", .zero, start: Gated.self) { _ in .init() }
        try await Self.with(Schedules()) { shell, _ in
            let error = await #expect(throws: CanoError.self) { try await shell.add(bad.entries) }
            #expect(error?.message.hasPrefix("schedule 'zero': an interval of 0 ms is too short") == true)
            #expect(shell.core.withLock { $0.names }.isEmpty)
        }
    }
}

/// A store that refuses some saves.
final class FlakyScheduleStore: ScheduleStore {
    let failures = Guarded(0)
    private let store = MemoryScheduleStore()

    func schedules() async throws(CanoError) -> [String: Schedule.State] { await self.store.schedules() }

    func save(_ changes: [ScheduleChange]) async throws(CanoError) {
        let fails = self.failures.withLock { failures in
            guard failures > 0 else { return false }
            failures -= 1
            return true
        }
        if fails { throw CanoError(.storeUnavailable, "the disk is away") }
        await self.store.save(changes)
    }

    func ticks(of schedule: String, limit: Int) async throws(CanoError) -> [TickRow] {
        await self.store.ticks(of: schedule, limit: limit)
    }
}
