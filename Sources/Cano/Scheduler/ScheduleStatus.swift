// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// What a schedule is doing.
public struct ScheduleStatus: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// What it is doing, in a word.
    public var condition: Schedule.Condition
    /// The nominal time of its next tick; `nil` when there is none.
    public var nextTick: Instant?
    /// When that tick is due, its jitter included; `nil` while ticks are held back, too.
    public var nextDue: Instant?
    /// The runs that go on, the oldest first.
    public var live: [Schedule.State.Live]
    /// The ticks that wait for a run to end, the oldest first.
    public var buffer: [Tick]
    /// The run that ended last.
    public var last: Schedule.State.Last?
    /// How many runs were started.
    public var runs: Int
    /// How many ticks had which outcome.
    public var counts: [TickOutcome: Int]
    /// How many runs failed in a row.
    public var streak: Int
    /// What the last failure said; `nil` after a success.
    public var lastFailure: String?
    /// Until when ticks are skipped after a failure.
    public var backoffUntil: Instant?
    /// Who holds ticks back, and why.
    public var pause: Schedule.State.Pause?
    /// Why it stopped by itself.
    public var trip: Schedule.State.Trip?
    /// How often the settings were changed, from 1.
    public var revision: Int

    init(_ schedule: Schedule, at now: Instant) {
        let state = schedule.state
        self.name = schedule.name
        self.condition = schedule.condition(at: now)
        self.nextTick = schedule.next
        self.nextDue = schedule.wakeUp
        self.live = state.live
        self.buffer = state.buffer
        self.last = state.last
        self.runs = state.runs
        self.counts = Dictionary(
            state.counts.compactMap { name, count in TickOutcome(rawValue: name).map { ($0, count) } },
            uniquingKeysWith: +
        )
        self.streak = state.streak
        self.lastFailure = state.lastFailure
        self.backoffUntil = state.backoffUntil
        self.pause = state.pause
        self.trip = state.trip
        self.revision = state.revision
    }
}
