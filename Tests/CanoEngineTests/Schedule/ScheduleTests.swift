// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Decisions of a schedule")
struct ScheduleTests {
    @Test("ticks keep their nominal times, whatever the process does (F-SCHED-06: a fixed rate, not a fixed delay)")
    func nominal() {
        var bench = ScheduleBench()
        bench.tick()
        #expect(bench.runStarted() == [.scheduled(Instant("2026-06-01 00:01"))])
        bench.send(.ended(.scheduled(Instant("2026-06-01 00:01")), .succeeded))
        bench.tick(after: .seconds(95))
        #expect(bench.runStarted() == [.scheduled(Instant("2026-06-01 00:02"))])
        #expect(bench.schedule.wakeUp == Instant("2026-06-01 00:03"))
        #expect(bench.schedule.state.runs == 2)
    }

    @Test("F-SCHED-08: a tick during a run is skipped by default, and its row says so")
    func skip() {
        var bench = ScheduleBench()
        bench.tick()
        let first = bench.runStarted()
        bench.tick()
        #expect(bench.lastOutcomes == [.overlapped])
        bench.send(.ended(first[0], .succeeded))
        bench.tick()
        #expect(bench.outcomes == [.started, .overlapped, .started])
    }

    @Test("bufferOne keeps one tick, which runs at its nominal time's name when the run has ended")
    func bufferOne() {
        var bench = ScheduleBench { $0.overlap = .bufferOne }
        bench.tick()
        let first = bench.runStarted()
        bench.tick()
        bench.tick()
        #expect(bench.outcomes == [.started, .buffered, .overlapped])
        bench.send(.ended(first[0], .failed("no")))
        #expect(bench.runStarted() == [.scheduled(Instant("2026-06-01 00:02"))])
        #expect(bench.lastOutcomes == [.startedFromBuffer])
    }

    @Test("bufferAll keeps ticks in order up to its bound")
    func bufferAll() {
        var bench = ScheduleBench { $0.overlap = .bufferAll(max: 2) }
        bench.tick()
        var live = bench.runStarted()
        for _ in 0..<3 { bench.tick() }
        #expect(bench.outcomes == [.started, .buffered, .buffered, .tooMany])
        for minute in ["02", "03"] {
            bench.send(.ended(live[0], .succeeded))
            live = bench.runStarted()
            #expect(live == [.scheduled(Instant("2026-06-01 00:\(minute)"))])
        }
    }

    @Test("cancelPrevious cancels once, keeps the newest tick and starts it when the run has ended")
    func cancelPrevious() {
        var bench = ScheduleBench { $0.overlap = .cancelPrevious }
        bench.tick()
        let first = bench.runStarted()
        bench.tick()
        #expect(bench.cancelled == first)
        bench.tick()
        #expect(bench.cancelled.isEmpty)
        #expect(bench.outcomes == [.started, .buffered, .replaced, .buffered])
        bench.send(.ended(first[0], .cancelled(isClean: true)))
        #expect(bench.runStarted() == [.scheduled(Instant("2026-06-01 00:03"))])
        #expect(bench.schedule.state.streak == 0)
    }

    @Test("terminatePrevious starts at once, allow starts beside")
    func beside() {
        var bench = ScheduleBench { $0.overlap = .terminatePrevious }
        bench.tick()
        let first = bench.runStarted()
        bench.tick()
        #expect(bench.cancelled == first)
        #expect(bench.runStarted() == [.scheduled(Instant("2026-06-01 00:02"))])
        var other = ScheduleBench { $0.overlap = .allow }
        for _ in 0..<3 {
            other.tick()
            #expect(other.runStarted().count == 1)
        }
        #expect(other.schedule.state.live.count == 3)
    }

    @Test("L-SCHED-03: a run that is cancelled before it exists is cancelled as soon as it does")
    func cancelBeforeStart() {
        var bench = ScheduleBench()
        bench.tick()
        bench.send(.cancelled)
        #expect(bench.cancelled.isEmpty)
        let id = TickID.scheduled(Instant("2026-06-01 00:01"))
        bench.send(.started(id, ScheduleBench.run(of: id)))
        #expect(bench.cancelled == [id])
    }

    // MARK: Missed ticks

    @Test("F-SCHED-07: ticks up to a minute late run; later ones are covered by one policy, latest by default")
    func latest() {
        var bench = ScheduleBench(ScheduleSpec(.every(.seconds(20)))) { $0.overlap = .allow }
        bench.tick(after: .seconds(70))
        #expect(bench.outcomes == [.started, .started, .started])
        bench.tick(after: .seconds(3600))
        #expect(bench.rows.dropFirst(3).map(\.outcome) == [.superseded, .caughtUp])
        let missed = bench.rows[3]
        #expect(missed.first == Instant("2026-06-01 00:01:20"))
        #expect(missed.last == Instant("2026-06-01 01:00:40"))
        #expect(missed.count == 179)
        #expect(bench.schedule.next == Instant("2026-06-01 01:01:20"))
        guard case .start(let tick)? = bench.effects.first(where: { if case .start = $0 { true } else { false } })
        else {
            Issue.record("nothing was started")
            return
        }
        #expect(tick.isCatchUp && tick.previousNominal == Instant("2026-06-01 01:00:40"))
    }

    @Test("all catches up the newest ones, none none, and nothing beyond the window")
    func policies() {
        var all = ScheduleBench {
            $0.catchUp = .all(max: 3)
            $0.overlap = .allow
        }
        all.tick(after: .seconds(30 * 3600))
        #expect(all.outcomes == [.outsideWindow, .superseded, .caughtUp, .caughtUp, .caughtUp])
        #expect(all.rows.map(\.count).reduce(0, +) == 1800)
        #expect(all.rows[0].count == 6 * 60)
        var none = ScheduleBench { $0.catchUp = .none }
        none.tick(after: .seconds(600))
        #expect(none.outcomes == [.notCaughtUp])
        #expect(none.rows[0].count == 10)
        var old = ScheduleBench(ScheduleSpec(.at([Instant("2026-06-01 01:00")])))
        old.tick(after: .seconds(48 * 3600))
        #expect(old.outcomes == [.outsideWindow])
        #expect(old.schedule.condition(at: old.now) == .finished)
    }

    @Test("a year of missed seconds is one row, not millions")
    func year() throws {
        let spec = try ScheduleSpec.cron("* * * * * *", in: .utc)
        var bench = ScheduleBench(spec)
        bench.tick(after: .seconds(365 * 86_400))
        #expect(bench.outcomes == [.outsideWindow, .superseded, .caughtUp])
        #expect(bench.rows.map(\.count).reduce(0, +) == 365 * 86_400)
    }

    // MARK: Failures

    @Test("F-SCHED-11, F-SCHED-12, T-SCH-7: failures stretch the pauses up to a bound, success ends them")
    func backoff() {
        var bench = ScheduleBench(ScheduleSpec(.every(.seconds(1)))) {
            $0.backoff = ScheduleBackoff {
                $0.initialDelay = .seconds(2)
                $0.jitter = 0
                $0.maximumDelay = .seconds(5)
            }
        }
        bench.tick()
        bench.send(.ended(bench.runStarted()[0], .failed("no")))
        #expect(bench.schedule.condition(at: bench.now) == .backingOff)
        #expect(bench.schedule.state.backoffUntil == bench.now.advanced(by: .seconds(2)))
        bench.tick()
        #expect(bench.lastOutcomes == [.backingOff])
        bench.tick()
        let second = bench.runStarted()
        #expect(second.count == 1)
        bench.send(.ended(second[0], .failed("no")))
        #expect(bench.schedule.state.backoffUntil == bench.now.advanced(by: .seconds(4)))
        for _ in 0..<4 { bench.tick() }
        let third = bench.runStarted()
        bench.send(.ended(third[0], .cancelled(isClean: true)))
        #expect(bench.schedule.state.streak == 2)
        bench.tick()
        bench.send(.ended(bench.runStarted()[0], .cancelled(isClean: false)))
        #expect(bench.schedule.state.streak == 3)
        #expect(bench.schedule.state.backoffUntil == bench.now.advanced(by: .seconds(5)))
        bench.tick(after: .seconds(5))
        bench.send(.ended(bench.runStarted().last ?? .scheduled(bench.now), .succeeded))
        #expect(bench.schedule.state.streak == 0)
        #expect(bench.schedule.state.backoffUntil == nil)
    }

    @Test("F-SCHED-11: pauses grow to their bound and never beyond, jitter included, for any streak")
    func delays() {
        let backoff = ScheduleBackoff()
        for streak in [0, 1, 2, 5, 9, 100, Int.max] {
            for seed in 0..<50 as Range<UInt64> {
                let exact = min(300.0, Double(1 << min(max(streak, 1) - 1, 20)))
                let delay = Double(backoff.delay(streak: streak, seed: seed).milliseconds) / 1000
                #expect(delay <= 300 && delay >= exact * 0.899 && delay <= exact * 1.101, "seed \(seed)")
            }
        }
    }

    @Test("F-SCHED-13, T-SCH-7, T-SCH-8: a schedule trips, says so, refuses, and goes on when it is reset")
    func trip() {
        var bench = ScheduleBench { $0.tripsAfter = 2 }
        for _ in 0..<2 {
            bench.tick()
            bench.send(.ended(bench.runStarted()[0], .failed("disk full")))
        }
        #expect(bench.effects.contains(.tripped(streak: 2, message: "disk full")))
        #expect(bench.schedule.condition(at: bench.now) == .tripped)
        #expect(bench.effects.contains(.sleep))
        bench.send(.triggered(.manual(1, at: bench.now), payload: nil, isForced: true))
        #expect(bench.answers == [.refused(.tripped)])
        bench.now = bench.now.advanced(by: .seconds(600))
        bench.send(.reset)
        #expect(bench.lastOutcomes == [.tripped])
        #expect(bench.rows.last?.count == 10)
        bench.tick()
        bench.send(.ended(bench.runStarted()[0], .failed("again")))
        #expect(bench.schedule.state.streak == 1)
    }

    @Test("F-SCHED-13, T-SCH-10: a run in flight at a reset that fails afterwards counts as the first failure")
    func resetRace() {
        var bench = ScheduleBench { $0.tripsAfter = 2 }
        bench.tick()
        bench.send(.ended(bench.runStarted()[0], .failed("1")))
        bench.tick()
        let id = bench.runStarted()[0]
        bench.send(.reset)
        bench.send(.ended(id, .failed("2")))
        #expect(bench.schedule.state.streak == 1)
        #expect(bench.schedule.condition(at: bench.now) == .idle)
    }

    @Test("L-SCHED-06: a back-off that a failed manual run sets holds the next tick back")
    func manualBackoff() {
        var bench = ScheduleBench { $0.backoff = ScheduleBackoff { $0.initialDelay = .seconds(90) } }
        let id = TickID.manual(7, at: bench.now)
        bench.send(.triggered(id, payload: nil, isForced: false))
        bench.send(.ended(id, .failed("no")))
        bench.tick()
        #expect(bench.lastOutcomes == [.backingOff])
        // A person may start it nevertheless, and success ends the pause (F-SCHED-09).
        let again = TickID.manual(8, at: bench.now)
        bench.send(.triggered(again, payload: nil, isForced: false))
        #expect(bench.answers == [.started])
        bench.send(.ended(again, .succeeded))
        #expect(bench.schedule.state.backoffUntil == nil)
    }

    @Test("T-SCH-4: a wish during a run is refused by name, unless it is forced; the count stays")
    func triggers() {
        var bench = ScheduleBench(.manual)
        #expect(bench.effects == [.sleep])
        bench.send(.triggered(.manual(1, at: bench.now), payload: .json("1"), isForced: false))
        #expect(bench.answers == [.started])
        guard case .start(let tick) = bench.effects[0] else {
            Issue.record("nothing was started")
            return
        }
        #expect(tick.payload == .json("1"))
        bench.send(.triggered(.manual(2, at: bench.now), payload: nil, isForced: false))
        #expect(bench.answers == [.refused(.overlapped)])
        #expect(bench.schedule.state.runs == 1)
        bench.send(.triggered(.manual(3, at: bench.now), payload: nil, isForced: true))
        #expect(bench.answers == [.started])
        // The same wish once more is the same tick.
        bench.send(.triggered(.manual(3, at: bench.now), payload: nil, isForced: true))
        #expect(bench.answers.isEmpty)
        #expect(bench.schedule.state.fires == 0)
    }

    // MARK: Holding and changing

    @Test("a pause costs nothing, is covered by one row, and says who and why")
    func pause() {
        var bench = ScheduleBench()
        bench.send(.paused(by: "ada", note: "migration"))
        #expect(bench.effects == [.sleep])
        #expect(bench.schedule.state.pause?.note == "migration")
        bench.tick(after: .seconds(600))
        #expect(bench.rows.isEmpty)
        bench.send(.resumed(catchingUp: false))
        #expect(bench.outcomes == [.paused])
        #expect(bench.rows[0].count == 10)
        bench.send(.paused(by: "ada", note: ""))
        bench.now = bench.now.advanced(by: .seconds(600))
        bench.send(.resumed(catchingUp: true))
        #expect(bench.lastOutcomes == [.superseded, .caughtUp])
    }

    @Test("what ticks when is found anew when the settings change; what was decided stays")
    func edit() {
        var bench = ScheduleBench()
        bench.tick()
        bench.now = bench.now.advanced(by: .seconds(10))
        bench.send(.edited(ScheduleSettings(ScheduleSpec(.every(.seconds(300))))))
        #expect(bench.schedule.next == Instant("2026-06-01 00:05"))
        #expect(bench.schedule.state.revision == 2)
        bench.send(.edited(ScheduleSettings(ScheduleSpec(.every(.seconds(300)))) { $0.overlap = .allow }))
        #expect(bench.schedule.next == Instant("2026-06-01 00:05"))
    }

    @Test("L-SCHED-04: start, end and a number of fires bound a schedule")
    func bounds() {
        var spec = ScheduleSpec(.every(.seconds(60)))
        spec.startAt = Instant("2026-06-01 00:10")
        spec.endAt = Instant("2026-06-01 00:12")
        var bench = ScheduleBench(spec) { $0.overlap = .allow }
        while bench.schedule.wakeUp != nil { bench.tick() }
        #expect(bench.rows.map(\.first.text) == ["2026-06-01 00:10", "2026-06-01 00:11", "2026-06-01 00:12"])
        var twice = ScheduleBench {
            $0.maximumFires = 2
            $0.overlap = .bufferAll()
        }
        while twice.schedule.wakeUp != nil { twice.tick() }
        #expect(twice.outcomes == [.started, .buffered])
        #expect(twice.schedule.next == nil)
    }

    @Test("L-SCHED-04: jitter is always the same for a tick, differs between schedules, and never reaches the next")
    func jitter() {
        let settings = ScheduleSettings(ScheduleSpec(.every(.seconds(60)))) { $0.jitter = .seconds(600) }
        var dues: Set<Instant> = []
        for index in 0..<50 {
            var schedule = Schedule(name: "job-\(index)", settings: settings, at: ScheduleBench.start)
            let due = schedule.wakeUp
            #expect(due == Schedule(name: "job-\(index)", settings: settings, at: ScheduleBench.start).wakeUp)
            var last = ScheduleBench.start
            for _ in 0..<20 {
                guard let due = schedule.wakeUp, let nominal = schedule.next else { return }
                #expect(due >= nominal && due >= last && due < nominal.advanced(by: .seconds(60)))
                _ = schedule.apply(.clockTicked, at: due)
                last = due
            }
            dues.insert(due ?? last)
        }
        #expect(dues.count > 40)
    }

    @Test("L-SCHED-05: an interval of zero is refused by name, and nobody waits after a failure unless asked to")
    func zeroInterval() {
        let settings = ScheduleSettings(ScheduleSpec(.every(Span(milliseconds: 0))))
        let error = #expect(throws: CanoError.self) {
            try settings.validate(name: "busy", limits: Limits(), at: ScheduleBench.start)
        }
        #expect(
            error?.message == "schedule 'busy': an interval of 0 ms is too short: the shortest is 100 ms "
                + "(Limits.scheduleInterval)"
        )
        #expect(settings.backoff == nil)
    }
}
