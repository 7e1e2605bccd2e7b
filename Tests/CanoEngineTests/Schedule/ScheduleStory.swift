// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

/// A schedule to which things happen by chance, and what it said to them.
struct ScheduleStory {
    static let begin = Instant("2026-03-28 12:00")

    let seed: Int
    let settings: ScheduleSettings
    private var random: SplitMix64
    private(set) var schedule: Schedule
    private var now = Self.begin
    private(set) var decided: [TickRow] = []
    private var started: Set<TickID> = []
    private var live: [TickID: RunID?] = [:]
    private var wishes: UInt64 = 0

    init(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        func draw(_ count: UInt64) -> Int { Int(random.next() % count) }
        let overlaps: [ScheduleSettings.Overlap] = [
            .skip, .bufferOne, .bufferAll(max: 3), .cancelPrevious, .terminatePrevious, .allow,
        ]
        let catchUps: [ScheduleSettings.CatchUp] = [.latest, .all(max: 3), .none]
        let minutes = ScheduleSpec.Source.cron(try CronExpression("* * * * *"), .utc)
        let specs = [
            ScheduleSpec(.every(.seconds(45))),
            try ScheduleSpec.cron("*/2 * * * *", in: .utc),
            try ScheduleSpec.cron("30 2 * * *", in: ZoneFixture.zone("Europe/Berlin")),
            ScheduleSpec([.every(.seconds(50)), minutes], excluding: [.every(.seconds(300))]),
        ]
        self.settings = ScheduleSettings(specs[draw(4)]) {
            $0.overlap = overlaps[draw(6)]
            $0.catchUp = catchUps[draw(3)]
            $0.catchUpWindow = .seconds(1800)
            $0.jitter = .seconds(Int64(draw(3)) * 20)
            $0.backoff = draw(2) == 0 ? nil : ScheduleBackoff()
            $0.tripsAfter = draw(2) == 0 ? nil : 3
        }
        self.seed = seed
        self.random = random
        self.schedule = Schedule(name: "s", settings: self.settings, at: Self.begin)
    }

    private mutating func draw(_ count: UInt64) -> Int { Int(self.random.next() % count) }

    mutating func perform(_ event: Schedule.Event) {
        for effect in self.schedule.apply(event, at: self.now) {
            switch effect {
            case .record(let row):
                if row.kind == .scheduled, row.outcome.isDecision { self.decided.append(row) }
            case .start(let tick):
                #expect(!self.schedule.isClosing, "seed \(self.seed): \(tick.id) is started at the end")
                let isNew = self.started.insert(tick.id).inserted
                #expect(isNew, "seed \(self.seed): \(tick.id) is started twice")
                self.live[tick.id] = RunID?.none
            case .cancel(let id, _):
                #expect(self.live[id] != nil, "seed \(self.seed)")
            case .watch, .wake, .sleep, .answer, .tripped: break
            }
        }
    }

    /// One thing happens.
    mutating func step() {
        switch self.draw(14) {
        case 0...4:
            self.now = max(self.now, self.schedule.wakeUp ?? self.now)
            self.perform(.clockTicked)
        case 5: self.now = self.now.advanced(by: .seconds(Int64(self.draw(4000))))
        case 6: self.perform(.paused(by: "a", note: ""))
        case 7: self.perform(.resumed(catchingUp: self.draw(2) == 0))
        case 8: self.perform(.reset)
        case 9:
            self.wishes += 1
            let id = TickID.manual(self.wishes, at: self.now)
            self.perform(.triggered(id, payload: nil, isForced: self.draw(3) == 0))
        case 10: self.perform(.cancelled)
        case 11:
            // The process ends, often in good order, and begins again: what it remembered is all that there is.
            if self.draw(2) == 0 { self.close() }
            self.schedule = Schedule(name: "s", settings: self.settings, state: self.schedule.state, at: self.now)
            self.now = self.now.advanced(by: .seconds(Int64(self.draw(600))))
        default: self.runGoesOn()
        }
    }

    /// The process waits for runs before it ends.
    private mutating func close() {
        self.perform(.closing)
        for _ in 0..<self.draw(4) {
            self.now = self.now.advanced(by: .seconds(Int64(self.draw(100))))
            self.perform(.clockTicked)
            self.runGoesOn()
            #expect(self.schedule.wakeUp == nil, "seed \(self.seed)")
        }
    }

    /// The oldest run comes to be, or ends.
    private mutating func runGoesOn() {
        guard let id = self.live.keys.sorted().first else { return }
        if self.live[id] == .some(nil) {
            self.live[id] = ScheduleBench.run(of: id)
            return self.perform(.started(id, ScheduleBench.run(of: id)))
        }
        self.live[id] = nil
        let ends: [Schedule.RunEnd] = [.succeeded, .failed("no"), .cancelled(isClean: true)]
        self.perform(.ended(id, ends[self.draw(3)]))
    }

    /// No more runs at once than the policy allows, but for those that people asked for.
    func checkOverlap() {
        switch self.settings.overlap {
        case .skip, .bufferOne, .bufferAll, .cancelPrevious:
            let wished = self.schedule.state.live.count { $0.tick.id.kind == .manual }
            #expect(self.schedule.state.live.count <= 1 + wished, "seed \(self.seed)")
        case .terminatePrevious, .allow: break
        }
    }

    /// The rows cover every nominal time, one behind the other.
    func checkLedger() {
        var expected: [Instant] = []
        var cursor = Self.begin.predecessor
        while let next = self.settings.spec.next(after: cursor), next <= self.schedule.state.decidedThrough {
            expected.append(next)
            cursor = next
        }
        let rows = self.decided.sorted { $0.first < $1.first }
        #expect(rows.map(\.count).reduce(0, +) == expected.count, "seed \(self.seed)")
        #expect(rows.first?.first == expected.first, "seed \(self.seed)")
        for (row, behind) in zip(rows, rows.dropFirst()) {
            #expect(self.settings.spec.next(after: row.last) == behind.first, "seed \(self.seed)")
        }
    }
}
