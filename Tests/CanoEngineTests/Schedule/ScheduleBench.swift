// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// A schedule with the effects of the last event at hand.
struct ScheduleBench {
    var schedule: Schedule
    var now: Instant
    private(set) var effects: [Schedule.Effect] = []
    private(set) var rows: [TickRow] = []
    private var nextRun: UInt64 = 1

    static let start = Instant("2026-06-01 00:00")

    /// Every minute from midnight on, unless said otherwise.
    init(_ spec: ScheduleSpec? = nil, _ adjust: (inout ScheduleSettings) -> Void = { _ in }) {
        let spec = spec ?? ScheduleSpec(.every(.seconds(60)))
        let start = Self.start.advanced(by: Span(milliseconds: 1))
        self.schedule = Schedule(name: "s", settings: ScheduleSettings(spec, adjust), at: start)
        self.now = start
        self.send(.opened)
    }

    mutating func send(_ event: Schedule.Event) {
        self.effects = self.schedule.apply(event, at: self.now)
        for case .record(let row) in self.effects { self.rows.append(row) }
    }

    /// Goes to the next time at which the schedule wants to be woken, or straight to a later one.
    mutating func tick(after span: Span? = nil) {
        self.now = span.map { self.now.advanced(by: $0) } ?? self.schedule.wakeUp ?? self.now
        self.send(.clockTicked)
    }

    /// The ticks that the last event started, each now with a run.
    mutating func runStarted() -> [TickID] {
        var ids: [TickID] = []
        for case .start(let tick) in self.effects {
            ids.append(tick.id)
            self.nextRun += 1
        }
        for id in ids { _ = self.schedule.apply(.started(id, Self.run(of: id)), at: self.now) }
        return ids
    }

    static func run(of id: TickID) -> RunID {
        RunID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0000 | UInt64(bitPattern: id.nominal.microseconds))
    }

    var outcomes: [TickOutcome] { self.rows.map(\.outcome) }
    var lastOutcomes: [TickOutcome] {
        self.effects.compactMap { if case .record(let row) = $0 { row.outcome } else { nil } }
    }
    var cancelled: [TickID] { self.effects.compactMap { if case .cancel(let id, _) = $0 { id } else { nil } } }
    var answers: [Schedule.TriggerAnswer] {
        self.effects.compactMap { if case .answer(_, let answer) = $0 { answer } else { nil } }
    }
}
