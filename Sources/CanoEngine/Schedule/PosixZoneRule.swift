// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The rule at the end of a TZif file, in the form of the POSIX variable `TZ`, such as `CET-1CEST,M3.5.0,M10.5.0/3`.
///
/// The hours of a rule may lie between -167 and 167, as RFC 8536 allows.
struct PosixZoneRule: Hashable, Sendable {
    /// A day of the year, by one of three ways to write it.
    enum Day: Hashable, Sendable {
        /// `J60`: from 1 to 365, never counting 29 February.
        case julian(Int64)
        /// `59`: from 0 to 365, counting 29 February.
        case zeroBased(Int64)
        /// `M3.5.0`: month, week (5 is the last) and weekday (0 is Sunday).
        case weekday(month: Int64, week: Int64, weekday: Int64)

        func number(in year: Int64) -> Int64 {
            switch self {
            case .julian(let day):
                let leap: Int64 = CivilDay.isLeap(year) && day >= 60 ? 1 : 0
                return CivilDay(year: year, month: 1, day: 1).number + day - 1 + leap
            case .zeroBased(let day):
                return CivilDay(year: year, month: 1, day: 1).number + day
            case .weekday(let month, let week, let weekday):
                let first = CivilDay(year: year, month: month, day: 1)
                let ahead = floorDivide(weekday - first.weekday, 7).remainder
                var day = ahead + (week - 1) * 7
                if day >= CivilDay.length(year: year, month: month) { day -= 7 }
                return first.number + day
            }
        }
    }

    /// When clocks change, in the local time before the change.
    struct Moment: Hashable, Sendable {
        var day: Day
        /// Seconds since midnight.
        var time: Int64
    }

    /// The other offset of a year, and when it holds.
    struct Summer: Hashable, Sendable {
        var offset: Int64
        var begins: Moment
        var ends: Moment
    }

    /// Seconds that standard time is ahead of UTC.
    var standard: Int64
    /// Summer time; `nil` when clocks never change.
    var summer: Summer?

    /// The changes of a year, in order.
    private func changes(in year: Int64, _ summer: Summer) -> [ZoneRules.Change] {
        let begin = summer.begins.day.number(in: year) * 86_400 + summer.begins.time - self.standard
        let end = summer.ends.day.number(in: year) * 86_400 + summer.ends.time - summer.offset
        let first = ZoneRules.Change(at: begin, offset: summer.offset)
        let second = ZoneRules.Change(at: end, offset: self.standard)
        return begin <= end ? [first, second] : [second, first]
    }

    /// The stretch that a second of UTC lies in.
    func segment(at second: Int64) -> ZoneRules.Segment {
        guard let summer = self.summer else {
            return ZoneRules.Segment(start: .min, end: .max, offset: self.standard)
        }
        let year = CivilDay(number: floorDivide(second, 86_400).quotient).date.year
        let all = (year - 1...year + 1).flatMap { self.changes(in: $0, summer) }
        // Summer time all the year round is written as two changes at one moment: they cancel each other out.
        var changes: [ZoneRules.Change] = []
        let order = all.sorted { left, right in
            left.at == right.at ? left.offset != summer.offset && right.offset == summer.offset : left.at < right.at
        }
        for change in order {
            if changes.last?.at == change.at { changes.removeLast() }
            if changes.last?.offset != change.offset { changes.append(change) }
        }
        let current = changes.last { $0.at <= second }
        return ZoneRules.Segment(
            start: current?.at ?? .min,
            end: changes.first { $0.at > second }?.at ?? .max,
            offset: current?.offset ?? self.standard
        )
    }
}
