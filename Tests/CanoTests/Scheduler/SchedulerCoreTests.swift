// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@testable import Cano

@Suite("What a scheduler decides")
struct SchedulerCoreTests {
    private static let begin = VirtualScheduleHost.begin

    /// A scheduler with a schedule that ticks every minute.
    private static func core() throws -> SchedulerCore {
        var schedules = Schedules()
        try schedules.every("tick", .seconds(60), start: Gated.self) { _ in .init() }
        var core = SchedulerCore()
        let batch = Self.apply([.added(schedules.entries, states: [:], request: 1)], to: &core, after: 0)
        #expect(batch.replies.first?.refusal == nil)
        return core
    }

    private static func apply(
        _ events: [SchedulerCore.Event],
        to core: inout SchedulerCore,
        after seconds: Int64
    ) -> SchedulerCore.Batch {
        var batch = SchedulerCore.Batch()
        let now = Self.begin.advanced(by: .seconds(seconds))
        for event in events { core.apply(event, limits: Limits(), at: now, into: &batch) }
        return batch
    }

    @Test("a tick that was decided together with a stop is kept; it is begun unless everything ends at once")
    func stopWithTick() throws {
        let policies: [(Scheduler.StopPolicy, starts: Int)] = [
            (.leave, 0), (.wait(.seconds(30)), 1), (.cancel(within: .seconds(30)), 1),
        ]
        for (policy, starts) in policies {
            var core = try Self.core()
            let batch = Self.apply([.rung, .stopped(policy)], to: &core, after: 60)
            #expect(batch.changes.flatMap(\.rows).map(\.outcome) == [.started])
            #expect(batch.effects.count { if case .start = $0.effect { true } else { false } } == starts)
        }
    }

    @Test("L-SCHED-02: of two stops the one that is over first counts")
    func twoStops() throws {
        let long = SchedulerCore.Event.stopped(.wait(.seconds(3600)))
        let short = SchedulerCore.Event.stopped(.cancel(within: .seconds(1)))
        for events in [[long, short], [short, long]] {
            var core = try Self.core()
            guard case .settle(.seconds(1)) = Self.apply(events, to: &core, after: 0).next else {
                Issue.record("it waits longer than a second")
                continue
            }
        }
        for events in [[long, .stopped(.leave)], [.stopped(.leave), long], [long, .settled], [.settled, long]] {
            var core = try Self.core()
            guard case .end = Self.apply(events, to: &core, after: 0).next else {
                Issue.record("it does not end")
                continue
            }
        }
    }

    @Test("L-SCHED-08: who wishes for a run hears of it when the run comes to be before the answer is delivered")
    func answerOvertaken() async throws {
        let wishes = ScheduleWishes()
        let run = RunID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)
        let wish = wishes.wish(.manual(1, at: Self.begin))
        wishes.started(wish.tick, run)
        wishes.answered(wish.tick, .started)
        #expect(await wish.answer.value() == .some(.started))
        #expect(try await wish.run.value()?.get() == run)
        let failing = wishes.wish(.manual(2, at: Self.begin))
        wishes.failed(failing.tick, CanoError(.invalidInput, "no context"))
        wishes.answered(failing.tick, .started)
        #expect(await failing.answer.value() == .some(.started))
        let error = await #expect(throws: CanoError.self) { try await failing.run.value()?.get() }
        #expect(error?.message == "no context")
    }

    @Test("a wish for a run ends with its schedule, and when a newer tick takes its place")
    func lostWishes() throws {
        var core = try Self.core()
        let settings = ScheduleSettings(ScheduleSpec(.every(.seconds(60)))) { $0.overlap = .cancelPrevious }
        let wishes = (0..<4).map { TickID.manual($0, at: Self.begin) }
        func wish(_ index: Int) -> SchedulerCore.Event {
            .schedule("tick", .triggered(wishes[index], payload: nil, isForced: false))
        }
        var batch = Self.apply([.schedule("tick", .edited(settings)), wish(0), wish(1)], to: &core, after: 0)
        #expect(batch.lost.isEmpty)
        batch = Self.apply([wish(2)], to: &core, after: 1)
        #expect(batch.lost.map(\.tick) == [wishes[1]])
        #expect(batch.lost.map(\.why.code) == [.scheduleRefused])
        batch = Self.apply([.removed("tick"), wish(3)], to: &core, after: 2)
        #expect(batch.lost.map(\.tick) == [wishes[2], wishes[3]])
        #expect(batch.lost.map(\.why.code) == [.unknownSchedule, .unknownSchedule])
    }

    @Test("a scheduler that stops decides no tick, wakes nobody, and takes no wish")
    func stopping() throws {
        var core = try Self.core()
        _ = Self.apply([.rung, .stopped(.wait(.seconds(600)))], to: &core, after: 60)
        #expect(core.nextWake() == nil)
        let tick = TickID.scheduled(Instant(microseconds: Self.begin.microseconds - 1000).advanced(by: .seconds(60)))
        let wish = TickID.manual(7, at: Self.begin)
        let events: [Schedule.Event] = [
            .triggered(wish, payload: nil, isForced: true), .ended(tick, .succeeded), .clockTicked, .reset,
        ]
        let batch = Self.apply(events.map { .schedule("tick", $0) } + [.rung], to: &core, after: 150)
        #expect(batch.effects.isEmpty)
        #expect(batch.changes.flatMap(\.rows).isEmpty)
        #expect(core.members["tick"]?.schedule.state.last?.end == .succeeded)
    }
}
