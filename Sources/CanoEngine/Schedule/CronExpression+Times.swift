// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What becomes of the local times that a change of clocks skips or repeats, for expressions that name hours.
///
/// Expressions whose hour begins with `*` follow absolute time and never look at this.
public struct ClockChange: Hashable, Sendable, Codable {
    /// What becomes of a time that the clocks skip.
    public enum Gap: String, Hashable, Sendable, Codable {
        /// It counts once, at the first moment behind the gap; several such times count as one.
        case shift
        /// It does not count.
        case skip
    }

    /// What becomes of a time that the clocks show twice.
    public enum Repetition: String, Hashable, Sendable, Codable {
        /// It counts when it is shown first.
        case first
        /// It counts when it is shown last.
        case last
        /// It counts both times.
        case both
    }

    /// What becomes of a time that the clocks skip (default: ``Gap/shift``).
    public var gap = Gap.shift
    /// What becomes of a time that the clocks show twice (default: ``Repetition/first``).
    public var repetition = Repetition.first

    /// The defaults.
    public init() {}
}

extension CronExpression {
    /// How far a search looks for a time that matches: eight years and some days.
    ///
    /// Whoever finds none that far finds none at all: 29 February is at most eight years away.
    public static let horizon = Span(milliseconds: Self.horizonDays * 86_400_000)
    private static let horizonDays: Int64 = 2928
    /// The year 10000: no schedule reaches it.
    private static let endOfTime: Int64 = 253_402_300_800

    /// The first nominal time behind an instant; `nil` when there is none within ``horizon``.
    ///
    /// Nominal times are whole seconds.
    public func next(after instant: Instant, in zone: ZoneRules, _ change: ClockChange = ClockChange()) -> Instant? {
        var cursor = floorDivide(instant.microseconds, 1_000_000).quotient + 1
        let limit = min(cursor + Self.horizonDays * 86_400, Self.endOfTime)
        while cursor < limit {
            let stretch = Stretch(zone, at: cursor, limit: limit, self.style, change)
            if cursor == stretch.segment.start, self.firstLocal(in: stretch.gap) != nil {
                return Instant(second: cursor)
            }
            let begin = max(stretch.local.lowerBound, cursor + stretch.segment.offset)
            if begin < stretch.local.upperBound, let found = self.firstLocal(in: begin..<stretch.local.upperBound) {
                return Instant(second: found - stretch.segment.offset)
            }
            cursor = stretch.segment.end
        }
        return nil
    }

    /// The last nominal time before an instant; `nil` when there is none within ``horizon``.
    public func previous(
        before instant: Instant,
        in zone: ZoneRules,
        _ change: ClockChange = ClockChange()
    ) -> Instant? {
        var cursor = min(floorDivide(instant.predecessor.microseconds, 1_000_000).quotient, Self.endOfTime - 1)
        let limit = cursor - Self.horizonDays * 86_400
        while cursor >= limit {
            let stretch = Stretch(zone, at: cursor, limit: cursor + 1, self.style, change)
            let begin = max(stretch.local.lowerBound, limit + stretch.segment.offset)
            if begin < stretch.local.upperBound, let found = self.lastLocal(in: begin..<stretch.local.upperBound) {
                return Instant(second: found - stretch.segment.offset)
            }
            guard stretch.segment.start >= limit else { return nil }
            if self.firstLocal(in: stretch.gap) != nil { return Instant(second: stretch.segment.start) }
            cursor = stretch.segment.start - 1
        }
        return nil
    }

    /// How many nominal times lie behind `start`, up to and including `end`.
    ///
    /// It counts days, not times: a year of seconds is as quick as a year of days.
    public func count(
        after start: Instant,
        through end: Instant,
        in zone: ZoneRules,
        _ change: ClockChange = ClockChange()
    ) -> Int {
        var cursor = floorDivide(start.microseconds, 1_000_000).quotient + 1
        let limit = min(floorDivide(end.microseconds, 1_000_000).quotient + 1, Self.endOfTime)
        var count = 0
        while cursor < limit {
            let stretch = Stretch(zone, at: cursor, limit: limit, self.style, change)
            let begin = max(stretch.local.lowerBound, cursor + stretch.segment.offset)
            if begin < stretch.local.upperBound { count += self.countLocal(in: begin..<stretch.local.upperBound) }
            if cursor == stretch.segment.start, self.firstLocal(in: stretch.gap) != nil {
                // A time right behind the gap is the same tick.
                let first = cursor + stretch.segment.offset
                let isSame = stretch.local.contains(first) && self.firstLocal(in: first..<first + 1) != nil
                count += isSame ? 0 : 1
            }
            cursor = stretch.segment.end
        }
        return count
    }
}

/// A segment of a zone with the local times that count in it.
private struct Stretch {
    let segment: ZoneRules.Segment
    /// The local times of the segment, up to a limit, without those that count elsewhere.
    let local: Range<Int64>
    /// The local times that the change at the segment's start skipped and that nothing else shows.
    let gap: Range<Int64>

    init(
        _ zone: ZoneRules,
        at second: Int64,
        limit: Int64,
        _ style: CronExpression.Style,
        _ change: ClockChange
    ) {
        let segment = zone.segment(at: second)
        self.segment = segment
        let start = max(segment.start, second - Self.far)
        var (low, high) = (start + segment.offset, min(segment.end, limit) + segment.offset)
        var gap = low..<low
        if style == .fixed {
            let shownBefore = segment.start > second - Self.far ? Self.highest(zone, before: segment) : .min
            let shownLater = segment.end < limit + Self.near ? Self.lowest(zone, after: segment) : .max
            switch change.repetition {
            case .first: low = max(low, shownBefore)
            case .last: high = min(high, shownLater)
            case .both: break
            }
            let begins = change.repetition == .last ? Self.end(zone, before: segment) : shownBefore
            let ends = change.repetition == .first ? gap.lowerBound : min(gap.lowerBound, shownLater)
            if change.gap == .shift, begins != .min, begins < ends { gap = begins..<ends }
        }
        self.local = low..<max(low, high)
        self.gap = gap
    }

    /// Farther back than any search.
    private static let far: Int64 = 3000 * 86_400
    /// No two offsets differ by as much.
    private static let near: Int64 = 3 * 86_400

    /// The local time at which the segment before ended; the lowest number when there is none.
    private static func end(_ zone: ZoneRules, before segment: ZoneRules.Segment) -> Int64 {
        segment.start == .min ? .min : segment.start + zone.offset(at: segment.start - 1)
    }

    /// The highest local time that clocks reached before a segment.
    private static func highest(_ zone: ZoneRules, before segment: ZoneRules.Segment) -> Int64 {
        var highest = Int64.min
        var start = segment.start
        while start != .min, start > segment.start - Self.near {
            let before = zone.segment(at: start - 1)
            highest = max(highest, start + before.offset)
            start = before.start
        }
        return highest
    }

    /// The lowest local time that clocks go back to behind a segment.
    private static func lowest(_ zone: ZoneRules, after segment: ZoneRules.Segment) -> Int64 {
        var lowest = Int64.max
        var end = segment.end
        while end != .max, end < segment.end + Self.near {
            let behind = zone.segment(at: end)
            lowest = min(lowest, end + behind.offset)
            end = behind.end
        }
        return lowest
    }
}

extension Instant {
    /// A whole second since 1970-01-01 00:00 UTC.
    package init(second: Int64) {
        self.init(microseconds: second * 1_000_000)
    }

    /// The microsecond before; the first one is its own.
    package var predecessor: Instant { Instant(microseconds: max(self.microseconds, .min + 1) - 1) }

    /// The microsecond behind; the last one is its own.
    package var successor: Instant { Instant(microseconds: min(self.microseconds, .max - 1) + 1) }
}
