// SPDX-License-Identifier: Apache-2.0 OR MIT

/// When a schedule ticks: the times of all its sources together, without those that are excluded.
///
/// A *nominal* time is the instant that a source names. Equal nominal times of several sources are one tick.
public struct ScheduleSpec: Hashable, Sendable {
    /// Something that names instants.
    public enum Source: Hashable, Sendable {
        /// A cron expression in a time zone.
        case cron(CronExpression, ZoneRules, ClockChange = ClockChange())
        /// Always the same span apart, counted from an anchor: no restart shifts it, and local time does not matter.
        case every(Span, anchor: Instant = Instant(microseconds: 0))
        /// These instants.
        case at([Instant])
    }

    /// Where ticks come from; none for a schedule that only people start.
    public var sources: [Source]
    /// Nominal times that do not count.
    public var exclusions: [Source] = []
    /// Nothing ticks before.
    public var startAt: Instant?
    /// Nothing ticks behind.
    public var endAt: Instant?

    /// A spec of one source.
    public init(_ source: Source) {
        self.sources = [source]
    }

    /// A spec of several sources; none of them for a schedule that only people start.
    public init(_ sources: [Source], excluding exclusions: [Source] = []) {
        self.sources = sources
        self.exclusions = exclusions
    }

    /// Only people start it.
    public static let manual = ScheduleSpec([])

    /// A cron expression, or `@every` with a span such as `@every 90s` or `@every 1h30m`.
    ///
    /// - Parameters:
    ///   - text: the expression, see ``CronExpression``.
    ///   - zone: the time zone whose clocks it means.
    ///   - name: the schedule's name, from which `H` is drawn.
    /// - Returns: a spec with this one source.
    /// - Throws: `invalidSchedule` with field and column.
    public static func cron(_ text: String, in zone: ZoneRules, name: String = "") throws(CanoError) -> ScheduleSpec {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.first?.lowercased() == "@every" else {
            return ScheduleSpec(.cron(try CronExpression(text, name: name), zone))
        }
        guard words.count == 2, let span = Span(schedule: words[1]) else {
            let message = "cron '\(text)': '@every' needs one span behind it, such as 500ms, 90s, 15m, 1h30m or 2d"
            throw CanoError(.invalidSchedule, message)
        }
        return ScheduleSpec(.every(span))
    }

    /// Checks that the spec can tick, and does not tick too often.
    ///
    /// - Throws: `invalidSchedule` when a source names no time within eight years of `now`, or an interval is shorter
    ///   than ``Limits/scheduleInterval``.
    public func validate(limits: Limits, at now: Instant) throws(CanoError) {
        for source in self.sources + self.exclusions {
            switch source {
            case .cron(let expression, let zone, let change):
                guard expression.next(after: now, in: zone, change) == nil else { continue }
                let what = "cron '\(expression)' names no time in the next eight years"
                throw CanoError(.invalidSchedule, what + "; correct the day or the month")
            case .every(let span, _):
                guard span < limits.scheduleInterval else { continue }
                let least = "the shortest is \(limits.scheduleInterval.phrase) (Limits.scheduleInterval)"
                throw CanoError(.invalidSchedule, "an interval of \(span.phrase) is too short: \(least)")
            case .at:
                continue
            }
        }
        guard let start = self.startAt, let end = self.endAt, start > end else { return }
        throw CanoError(.invalidSchedule, "the schedule ends before it starts: exchange the two times")
    }

    // MARK: Times

    /// The first nominal time behind an instant; `nil` when there is none.
    public func next(after instant: Instant) -> Instant? {
        var cursor = max(instant, self.startAt?.predecessor ?? instant)
        // A spec that excludes nearly everything must not search for ever.
        for _ in 0..<Self.skippedAtOnce {
            guard let next = self.sources.compactMap({ $0.next(after: cursor) }).min(),
                self.endAt.map({ next <= $0 }) ?? true
            else { return nil }
            guard self.excludes(next) else { return next }
            cursor = next
        }
        return nil
    }

    /// The last nominal time before an instant; `nil` when there is none.
    public func previous(before instant: Instant) -> Instant? {
        var cursor = min(instant, self.endAt?.successor ?? instant)
        for _ in 0..<Self.skippedAtOnce {
            guard let previous = self.sources.compactMap({ $0.previous(before: cursor) }).max(),
                self.startAt.map({ previous >= $0 }) ?? true
            else { return nil }
            guard self.excludes(previous) else { return previous }
            cursor = previous
        }
        return nil
    }

    /// How many nominal times lie from `first` to `last`, both of which are nominal.
    ///
    /// One source without exclusions is counted by arithmetic; otherwise the times are gone through one by one.
    public func count(from first: Instant, through last: Instant) -> Int {
        let before = first.predecessor
        if self.exclusions.isEmpty, self.sources.count == 1 {
            return self.sources[0].count(after: before, through: last)
        }
        var count = 0
        var cursor = before
        while let next = self.next(after: cursor), next <= last {
            count += 1
            cursor = next
        }
        return count
    }

    /// The editions of the time zones that it uses, for the record.
    public var editions: [String] {
        self.sources.compactMap { source in
            if case .cron(_, let zone, _) = source { zone.edition } else { nil }
        }
    }

    private static let skippedAtOnce = 10_000

    private func excludes(_ instant: Instant) -> Bool {
        self.exclusions.contains { $0.next(after: instant.predecessor) == instant }
    }
}

extension ScheduleSpec.Source {
    func next(after instant: Instant) -> Instant? {
        switch self {
        case .cron(let expression, let zone, let change):
            return expression.next(after: instant, in: zone, change)
        case .every(let span, let anchor):
            let step = Self.microseconds(span)
            let (passed, _) = floorDivide(instant.microseconds - anchor.microseconds, step)
            return Instant(microseconds: anchor.microseconds + (passed + 1) * step)
        case .at(let instants):
            return instants.filter { $0 > instant }.min()
        }
    }

    func previous(before instant: Instant) -> Instant? {
        switch self {
        case .cron(let expression, let zone, let change):
            return expression.previous(before: instant, in: zone, change)
        case .every(let span, let anchor):
            let step = Self.microseconds(span)
            let (passed, _) = floorDivide(instant.microseconds - 1 - anchor.microseconds, step)
            return Instant(microseconds: anchor.microseconds + passed * step)
        case .at(let instants):
            return instants.filter { $0 < instant }.max()
        }
    }

    fileprivate func count(after start: Instant, through end: Instant) -> Int {
        switch self {
        case .cron(let expression, let zone, let change):
            return expression.count(after: start, through: end, in: zone, change)
        case .every(let span, let anchor):
            let step = Self.microseconds(span)
            let last = floorDivide(end.microseconds - anchor.microseconds, step).quotient
            return Int(last - floorDivide(start.microseconds - anchor.microseconds, step).quotient)
        case .at(let instants):
            return Set(instants.filter { $0 > start && $0 <= end }).count
        }
    }

    /// At least one, whatever was not validated; at most a thousand years, so that sums stay in range.
    private static func microseconds(_ span: Span) -> Int64 {
        min(max(1, span.milliseconds), 31_557_600_000_000) * 1000
    }
}

extension Span {
    /// Reads one or more whole numbers with their units, such as `500ms`, `90s`, `1h30m` or `2d`.
    package init?(schedule text: some StringProtocol) {
        let units: [String: Int64] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        var rest = Substring(text)
        var total: Int64 = 0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let unit = rest.dropFirst(digits.count).prefix { $0.isASCII && $0.isLetter }
            guard let number = Int64(digits), number <= 1_000_000_000, let factor = units[unit.lowercased()] else {
                return nil
            }
            total += number * factor
            rest = rest.dropFirst(digits.count + unit.count)
        }
        self.init(milliseconds: total)
    }
}
