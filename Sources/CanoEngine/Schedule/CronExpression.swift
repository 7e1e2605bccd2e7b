// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A cron expression: five fields, or six with the seconds before them, or a name such as `@daily`.
///
/// | field | values | also |
/// |---|---|---|
/// | second (only with six) | 0–59 | |
/// | minute | 0–59 | |
/// | hour | 0–23 | |
/// | day of month | 1–31 | `L`, `L-3`, `LW`, `15W` |
/// | month | 1–12, `JAN`–`DEC` | |
/// | day of week | 0–7 (0 and 7 are Sunday), `SUN`–`SAT` | `FRIL`, `5L`, `FRI#2`, `5#2` |
///
/// Every field takes `*`, lists (`1,5`), ranges (`9-17`), steps (`*/15`, `0-30/10`, `5/10`) and `H`, a value that is
/// drawn once from the schedule's name (`H`, `H(0-29)`, `H/15`). When both days are restricted, a day that matches
/// *either* of them counts, as POSIX says, unless ``DayMatch/both`` is asked for; a field that begins with `*` does not
/// restrict.
public struct CronExpression: Hashable, Sendable {
    /// Which days count when both the day of the month and the day of the week are restricted.
    public enum DayMatch: String, Hashable, Sendable, Codable {
        /// Those that match one of them, as POSIX says.
        case either
        /// Those that match both.
        case both
    }

    /// What the hours of an expression mean to a clock that is changed.
    public enum Style: Hashable, Sendable {
        /// Hours are named: each local time counts once, however the clocks are changed.
        case fixed
        /// The hour begins with `*`: the expression follows absolute time.
        case rolling
    }

    /// The text it was read from.
    public let text: String
    /// Whether hours are named.
    public let style: Style
    /// Which days count.
    public let dayMatch: DayMatch

    /// Bit n is set when the second n matches.
    let seconds: UInt64
    let minutes: UInt64
    let hours: UInt64
    /// From bit 1.
    let months: UInt64
    let monthDays: MonthDays
    let weekDays: WeekDays

    init(
        text: String,
        style: Style,
        dayMatch: DayMatch,
        seconds: UInt64,
        minutes: UInt64,
        hours: UInt64,
        months: UInt64,
        monthDays: MonthDays,
        weekDays: WeekDays
    ) {
        self.text = text
        self.style = style
        self.dayMatch = dayMatch
        self.seconds = seconds
        self.minutes = minutes
        self.hours = hours
        self.months = months
        self.monthDays = monthDays
        self.weekDays = weekDays
    }

    /// What the field of the day of the month matches.
    struct MonthDays: Hashable, Sendable {
        /// Whether it says anything: it does not begin with `*`.
        var isRestricted = false
        /// From bit 1.
        var days: UInt64 = 0
        /// Days before the last one.
        var beforeLast: UInt64 = 0
        /// Whether the last day from Monday to Friday counts.
        var lastWorkday = false
        /// The days whose nearest day from Monday to Friday counts; from bit 1.
        var nearWorkday: UInt64 = 0

        func matches(_ day: Int64, weekday: Int64, length: Int64) -> Bool {
            if self.days.has(day) || self.beforeLast.has(length - day) { return true }
            guard weekday != 0, weekday != 6 else { return false }
            if self.lastWorkday, Self.workday(near: length, day, weekday, length) { return true }
            guard self.nearWorkday != 0 else { return false }
            return (max(1, day - 2)...min(length, day + 2))
                .contains { self.nearWorkday.has($0) && Self.workday(near: $0, day, weekday, length) }
        }

        /// Whether `day`, a workday, is the one nearest to `wanted` within the month.
        private static func workday(near wanted: Int64, _ day: Int64, _ weekday: Int64, _ length: Int64) -> Bool {
            switch floorDivide(weekday + wanted - day, 7).remainder {
            case 6: wanted == 1 ? day == 3 : day == wanted - 1
            case 0: wanted == length ? day == wanted - 2 : day == wanted + 1
            default: day == wanted
            }
        }
    }

    /// What the field of the day of the week matches.
    struct WeekDays: Hashable, Sendable {
        /// Whether it says anything: it does not begin with `*`.
        var isRestricted = false
        /// Bit 0 is Sunday.
        var days: UInt64 = 0
        /// The days whose last one in the month counts.
        var last: UInt64 = 0
        /// For the first to the fifth week: the days that count.
        var numbered: [UInt64] = [0, 0, 0, 0, 0]

        func matches(_ day: Int64, weekday: Int64, length: Int64) -> Bool {
            self.days.has(weekday) || (self.last.has(weekday) && day + 7 > length)
                || self.numbered[Int((day - 1) / 7)].has(weekday)
        }
    }

    /// Whether a day matches, month included.
    func matches(_ day: CivilDay) -> Bool {
        let (year, month, number) = day.date
        return self.months.has(month) && self.matches(number, day.weekday, CivilDay.length(year: year, month: month))
    }

    func matches(_ day: Int64, _ weekday: Int64, _ length: Int64) -> Bool {
        let byMonth = self.monthDays.matches(day, weekday: weekday, length: length)
        let byWeek = self.weekDays.matches(day, weekday: weekday, length: length)
        let isEither = self.monthDays.isRestricted && self.weekDays.isRestricted && self.dayMatch == .either
        return isEither ? byMonth || byWeek : byMonth && byWeek
    }
}

extension CronExpression: CustomStringConvertible {
    /// The text it was read from.
    public var description: String { self.text }
}

extension UInt64 {
    /// Whether a bit is set; a number outside the bits is not.
    func has(_ bit: Int64) -> Bool { bit >= 0 && bit < 64 && self & (1 << UInt64(bit)) != 0 }
}
