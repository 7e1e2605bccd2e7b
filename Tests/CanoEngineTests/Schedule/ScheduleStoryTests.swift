// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Stories of a schedule")
struct ScheduleStoryTests {
    @Test("every nominal tick is covered by exactly one decision, and none is started twice", arguments: 0..<100)
    func ledger(seed: Int) throws {
        var story = try ScheduleStory(seed: seed)
        story.perform(.opened)
        for _ in 0..<250 {
            story.step()
            story.checkOverlap()
        }
        story.perform(.reset)
        story.perform(.resumed(catchingUp: true))
        story.checkLedger()
    }

    @Test(
        "L-SCHED-04: a schedule goes on from what it remembered, and starts nothing twice"
    )
    func goesOn() {
        var bench = ScheduleBench { $0.overlap = .bufferOne }
        bench.tick()
        let first = bench.runStarted()
        bench.tick()
        let settings = bench.schedule.settings
        var again = Schedule(name: "s", settings: settings, state: bench.schedule.state, at: bench.now)
        let effects = again.apply(.opened, at: bench.now)
        #expect(effects.contains(.watch(first[0], ScheduleBench.run(of: first[0]))))
        #expect(!effects.contains { if case .start = $0 { true } else { false } })
        #expect(again.state == bench.schedule.state)
        #expect(again == bench.schedule)
    }

    @Test("a schedule that closes starts nothing; what came due is decided by its settings when it is opened again")
    func closing() {
        var bench = ScheduleBench { $0.overlap = .bufferOne }
        bench.tick()
        let first = bench.runStarted()
        bench.tick()
        #expect(bench.outcomes == [.started, .buffered])
        bench.send(.closing)
        #expect(bench.effects == [.sleep])
        bench.tick(after: .seconds(60))
        bench.send(.triggered(.manual(1, at: bench.now), payload: nil, isForced: true))
        bench.send(.edited(ScheduleSettings(.manual)))
        bench.send(.ended(first[0], .succeeded))
        #expect(bench.outcomes == [.started, .buffered])
        #expect(bench.schedule.state.live.isEmpty)
        #expect(bench.schedule.state.buffer.map(\.id) == [.scheduled(Instant("2026-06-01 00:02"))])
        #expect(bench.schedule.state.last?.end == .succeeded)
        bench.now = bench.now.advanced(by: .seconds(48 * 3600))
        bench.send(.opened)
        #expect(bench.lastOutcomes == [.outsideWindow, .superseded, .overlapped, .startedFromBuffer])
        #expect(bench.runStarted() == [.scheduled(Instant("2026-06-01 00:02"))])
    }

    @Test("L-SCHED-03: a run that was asked to end is asked again when the schedule is opened again")
    func cancelAgain() {
        var bench = ScheduleBench()
        bench.tick()
        let first = bench.runStarted()
        bench.send(.cancelled)
        #expect(bench.cancelled == first)
        var again = Schedule(
            name: "s",
            settings: bench.schedule.settings,
            state: bench.schedule.state,
            at: bench.now
        )
        let run = ScheduleBench.run(of: first[0])
        let effects = again.apply(.opened, at: bench.now)
        #expect(effects.prefix(2) == [.watch(first[0], run), .cancel(first[0], run)])
    }
}
