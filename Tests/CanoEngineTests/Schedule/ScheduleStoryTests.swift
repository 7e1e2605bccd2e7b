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
}
