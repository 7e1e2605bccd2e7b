// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What a tick is known by, unique within its schedule.
public struct TickID: Hashable, Sendable, Codable, Comparable {
    /// Why there is a tick.
    public enum Kind: String, Hashable, Sendable, Codable {
        /// The schedule's spec names its time.
        case scheduled
        /// Somebody asked for it.
        case manual
    }

    /// Why there is a tick.
    public var kind: Kind
    /// The instant that the spec names, or when somebody asked.
    public var nominal: Instant
    /// What tells ticks apart that people asked for; 0 for others.
    public var number: UInt64

    /// A tick that the spec names.
    public static func scheduled(_ nominal: Instant) -> TickID {
        TickID(kind: .scheduled, nominal: nominal, number: 0)
    }

    /// A tick that somebody asked for.
    public static func manual(_ number: UInt64, at instant: Instant) -> TickID {
        TickID(kind: .manual, nominal: instant, number: number)
    }

    /// The key of the tick's run: the same tick always has the same, so that no tick is started twice.
    public func key(of schedule: String) -> String {
        switch self.kind {
        case .scheduled: "schedule/\(schedule)/\(self.nominal.iso8601)"
        case .manual: "schedule/\(schedule)/manual/\(self.nominal.iso8601)/\(String(self.number, radix: 16))"
        }
    }

    /// Whether the left one comes first.
    public static func < (left: TickID, right: TickID) -> Bool {
        (left.nominal, left.number) < (right.nominal, right.number)
    }
}

/// One time at which a schedule starts a run.
public struct Tick: Hashable, Sendable, Codable {
    /// What it is known by.
    public var id: TickID
    /// The nominal time before it; with ``TickID/nominal`` it bounds what a job that works on data has to look at.
    public var previousNominal: Instant?
    /// When it was due: the nominal time and its jitter.
    public var dueAt: Instant
    /// Whether it was missed and is caught up.
    public var isCatchUp: Bool
    /// What whoever asked for it gave along.
    public var payload: Payload?

    /// A tick from its parts.
    public init(
        id: TickID,
        previousNominal: Instant? = nil,
        dueAt: Instant,
        isCatchUp: Bool = false,
        payload: Payload? = nil
    ) {
        self.id = id
        self.previousNominal = previousNominal
        self.dueAt = dueAt
        self.isCatchUp = isCatchUp
        self.payload = payload
    }
}

/// What was decided about a tick, or about a range of ticks at once.
///
/// Every nominal time of a schedule is covered by exactly one row whose outcome is a decision
/// (``TickOutcome/isDecision``); the others say what came of a decision later.
public struct TickRow: Hashable, Sendable, Codable {
    /// The schedule.
    public var schedule: String
    /// Why there are ticks.
    public var kind: TickID.Kind
    /// The nominal time of the first tick.
    public var first: Instant
    /// The nominal time of the last tick; the first one's where it is about one.
    public var last: Instant
    /// How many nominal times lie from the first to the last.
    public var count: Int
    /// What was decided.
    public var outcome: TickOutcome
    /// When it was decided.
    public var at: Instant
    /// Under which revision of the schedule's settings.
    public var revision: Int
    /// From which editions of the time zone database.
    public var editions: [String]

    /// A row from its parts.
    public init(
        schedule: String,
        kind: TickID.Kind,
        first: Instant,
        last: Instant,
        count: Int,
        outcome: TickOutcome,
        at: Instant,
        revision: Int = 1,
        editions: [String] = []
    ) {
        self.schedule = schedule
        self.kind = kind
        self.first = first
        self.last = last
        self.count = count
        self.outcome = outcome
        self.at = at
        self.revision = revision
        self.editions = editions
    }
}

/// What was decided about a tick.
public enum TickOutcome: String, Hashable, Sendable, Codable, CaseIterable {
    /// A run was started.
    case started
    /// It was missed, and a run was started late.
    case caughtUp
    /// It waits for a run to end.
    case buffered
    /// It was skipped because a run went on.
    case overlapped
    /// It was not started: as many run or wait as may.
    case tooMany
    /// It was skipped because the schedule pauses after a failure.
    case backingOff
    /// It was missed, and a newer one was caught up instead.
    case superseded
    /// It was missed for longer than the catch-up window.
    case outsideWindow
    /// It was missed, and the schedule does not catch up.
    case notCaughtUp
    /// The schedule was paused.
    case paused
    /// The schedule had stopped after failures.
    case tripped
    /// Later: a tick that waited was started.
    case startedFromBuffer
    /// Later: a tick that waited gave way to a newer one.
    case replaced
    /// Later: the run could not be started.
    case startFailed

    /// Whether it decides about a tick, instead of saying what came of a decision later.
    public var isDecision: Bool {
        switch self {
        case .started, .caughtUp, .buffered, .overlapped, .tooMany, .backingOff, .superseded, .outsideWindow,
            .notCaughtUp, .paused, .tripped:
            true
        case .startedFromBuffer, .replaced, .startFailed:
            false
        }
    }
}
