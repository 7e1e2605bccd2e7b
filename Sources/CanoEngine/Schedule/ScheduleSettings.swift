// SPDX-License-Identifier: Apache-2.0 OR MIT

/// How a schedule behaves: when it ticks, and what becomes of a tick.
public struct ScheduleSettings: Hashable, Sendable {
    /// What becomes of a tick while a run of the same schedule goes on.
    public enum Overlap: Hashable, Sendable {
        /// It is skipped.
        case skip
        /// One tick waits for the run's end; further ones are skipped.
        case bufferOne
        /// Up to so many ticks wait, and run one after the other.
        case bufferAll(max: Int = 1000)
        /// The run is cancelled and undone; the newest tick runs when it has ended.
        case cancelPrevious
        /// The run is cancelled, and the tick runs at once, beside its undo.
        case terminatePrevious
        /// Both run.
        case allow
    }

    /// What becomes of ticks that nobody could decide in time.
    public enum CatchUp: Hashable, Sendable {
        /// The newest one runs.
        case latest
        /// The newest ones run, so many at most.
        case all(max: Int)
        /// None runs.
        case none
    }

    /// When it ticks.
    public var spec: ScheduleSpec
    /// What becomes of a tick while a run goes on (default: ``Overlap/skip``).
    public var overlap = Overlap.skip
    /// What becomes of ticks that are more than a minute late (default: ``CatchUp/latest``).
    public var catchUp = CatchUp.latest
    /// How late a tick may be caught up (default: 24 h; at least 10 s).
    public var catchUpWindow = Span.seconds(86_400)
    /// By how much a tick may be put off, so that many schedules do not start at once (default: zero).
    ///
    /// The pause is drawn from the schedule's name and the nominal time, and never reaches the next tick.
    public var jitter = Span(milliseconds: 0)
    /// How long a schedule pauses after failures (default: not at all).
    public var backoff: ScheduleBackoff?
    /// After so many failures in a row it stops until it is reset (default: never).
    public var tripsAfter: Int?
    /// After so many started ticks it is over (default: never); runs that people start do not count.
    public var maximumFires: Int?

    /// The defaults.
    public init(_ spec: ScheduleSpec) {
        self.spec = spec
    }

    /// The defaults, adjusted.
    public init(_ spec: ScheduleSpec, _ adjust: (inout Self) -> Void) {
        self.spec = spec
        adjust(&self)
    }

    /// Checks that the settings can be followed.
    ///
    /// - Throws: `invalidSchedule` with culprit and remedy.
    public func validate(name: String, limits: Limits, at now: Instant) throws(CanoError) {
        let isPlain = name.utf8.allSatisfy { byte in
            (byte | 0x20 >= 97 && byte | 0x20 <= 122) || (byte >= 48 && byte <= 57) || [45, 46, 95].contains(byte)
        }
        guard isPlain, !name.isEmpty, name.utf8.count <= 120 else {
            let what = "the schedule's name '\(name.prefix(40))' is not allowed"
            throw CanoError(.invalidSchedule, what + ": use 1 to 120 letters, digits, - _ . of ASCII")
        }
        func refuse(_ what: String) -> CanoError { CanoError(.invalidSchedule, "schedule '\(name)': \(what)") }
        do {
            try self.spec.validate(limits: limits, at: now)
        } catch {
            throw refuse(error.message)
        }
        if self.catchUpWindow < .seconds(10) { throw refuse("its catch-up window is below 10 s; make it longer") }
        if let fires = self.maximumFires, fires < 1 { throw refuse("it may fire \(fires) times; allow one or more") }
        if let backoff = self.backoff, !backoff.isSound {
            throw refuse("its back-off needs a multiplier of 1 or more and a jitter from 0 to 1")
        }
        if case .all(let max) = self.catchUp, !(1...limits.scheduleRuns).contains(max) {
            throw refuse("it catches up \(max) ticks; use 1 to \(limits.scheduleRuns) (Limits.scheduleRuns)")
        }
        if case .bufferAll(let max) = self.overlap, !(1...limits.scheduleRuns).contains(max) {
            throw refuse("it buffers \(max) ticks; use 1 to \(limits.scheduleRuns) (Limits.scheduleRuns)")
        }
    }
}

/// How long a schedule pauses after failures in a row.
public struct ScheduleBackoff: Hashable, Sendable {
    /// The pause after the first failure (default: 1 s).
    public var initialDelay = Span.seconds(1)
    /// By what the pause is multiplied with each further failure (default: 2).
    public var multiplier = 2.0
    /// The longest pause, jitter included (default: 300 s).
    public var maximumDelay = Span.seconds(300)
    /// By which part of itself a pause may be shorter or longer, from 0 to 1 (default: 0.1).
    public var jitter = 0.1

    /// The defaults.
    public init() {}

    /// The defaults, adjusted.
    public init(_ adjust: (inout Self) -> Void) {
        self.init()
        adjust(&self)
    }

    var isSound: Bool { self.multiplier >= 1 && self.multiplier.isFinite && (0...1).contains(self.jitter) }

    /// The pause after so many failures in a row; none counts as one.
    ///
    /// The jitter is drawn from `seed` and never leads above ``maximumDelay``.
    public func delay(streak: Int, seed: UInt64) -> Span {
        let cap = Double(self.maximumDelay.milliseconds)
        var delay = min(Double(self.initialDelay.milliseconds), cap)
        // Growing step by step stops at the cap, so no power can overflow.
        var step = 1
        while step < streak, delay < cap, delay > 0, self.multiplier > 1 {
            delay = min(delay * self.multiplier, cap)
            step += 1
        }
        var random = SplitMix64(seed: seed)
        let unit = Double(random.next() >> 11) / Double(1 << 53)
        return Span(milliseconds: Int64(min(max(0, delay * (1 + self.jitter * (2 * unit - 1))), cap)))
    }
}
