// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// A cron expression with the values that each field stands for, made by chance and understood without a parser.
struct SlowCron {
    var text: String
    var minutes: [Bool]
    var hours: [Bool]
    var monthDays: [Bool]
    var months: [Bool]
    var weekDays: [Bool]
    var isRolling: Bool
    var isEither: Bool

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let minute = Self.field(0...59, &random, density: 3)
        let hour = Self.field(0...23, &random, density: 2)
        let monthDay = Self.field(1...31, &random, density: 4)
        let month = Self.field(1...12, &random, density: 5)
        let weekDay = Self.field(0...6, &random, density: 4)
        self.text = [minute.text, hour.text, monthDay.text, month.text, weekDay.text].joined(separator: " ")
        self.minutes = minute.values
        self.hours = hour.values
        self.monthDays = monthDay.values
        self.months = month.values
        self.weekDays = weekDay.values
        self.isRolling = hour.text.hasPrefix("*")
        self.isEither = !monthDay.text.hasPrefix("*") && !weekDay.text.hasPrefix("*")
    }

    /// `*` more often the higher the density is.
    private static func field(
        _ range: ClosedRange<Int>,
        _ random: inout SplitMix64,
        density: UInt64
    ) -> (text: String, values: [Bool]) {
        func draw(_ range: ClosedRange<Int>) -> Int {
            range.lowerBound + Int(random.next() % UInt64(range.count))
        }
        var values = Array(repeating: false, count: range.upperBound + 1)
        func set(_ low: Int, _ high: Int, _ step: Int) {
            for value in stride(from: low, through: high, by: step) { values[value] = true }
        }
        switch random.next() % (5 + density) {
        case 0:
            let step = draw(1...max(1, range.count / 2))
            set(range.lowerBound, range.upperBound, step)
            return ("*/\(step)", values)
        case 1:
            let low = draw(range)
            let high = draw(low...range.upperBound)
            let step = draw(1...5)
            set(low, high, step)
            return (step == 1 ? "\(low)-\(high)" : "\(low)-\(high)/\(step)", values)
        case 2, 3, 4:
            let chosen = (0..<draw(1...4)).map { _ in draw(range) }
            for value in chosen { values[value] = true }
            return (chosen.map { "\($0)" }.joined(separator: ","), values)
        default:
            set(range.lowerBound, range.upperBound, 1)
            return ("*", values)
        }
    }

    /// One minute of a wall clock, taken apart.
    struct Minute {
        var number: Int
        var minute: Int
        var hour: Int
        var day: Int
        var month: Int
        var weekday: Int

        /// By counting, day by day, not by a formula.
        static func all(from first: Int, through last: Int) -> [Minute] {
            var (year, month, day, weekday) = (1970, 1, 1, 4)
            var passed = 0
            func length() -> Int {
                let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
                return [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
            }
            var minutes: [Minute] = []
            minutes.reserveCapacity(last - first + 1)
            while passed * 1440 <= last {
                if (passed + 1) * 1440 > first {
                    for time in 0..<1440 where (first...last).contains(passed * 1440 + time) {
                        minutes.append(
                            Minute(
                                number: passed * 1440 + time,
                                minute: time % 60,
                                hour: time / 60,
                                day: day,
                                month: month,
                                weekday: weekday
                            )
                        )
                    }
                }
                (passed, day, weekday) = (passed + 1, day + 1, (weekday + 1) % 7)
                if day > length() { (day, month) = (1, month + 1) }
                if month > 12 { (month, year) = (1, year + 1) }
            }
            return minutes
        }
    }

    func matches(_ minute: Minute) -> Bool {
        guard self.minutes[minute.minute], self.hours[minute.hour], self.months[minute.month] else { return false }
        let byMonth = self.monthDays[minute.day]
        let byWeek = self.weekDays[minute.weekday]
        return self.isEither ? byMonth || byWeek : byMonth && byWeek
    }

    /// The ticks in a window, found by looking at every minute of it.
    ///
    /// A named time ticks in the first minute in which the clocks show it or have gone past it, whatever they do later.
    func ticks(in window: SlowWindow) -> [Int64] {
        var ticks: [Int64] = []
        if self.isRolling {
            for (index, local) in window.local.enumerated()
            where self.matches(window.minutes[local - window.firstLocal]) {
                ticks.append((window.first + Int64(index)) * 60)
            }
            return ticks
        }
        var reached = window.local.first ?? 0
        for (index, local) in window.local.enumerated() where local > reached {
            let isTick = (reached + 1...local).contains { self.matches(window.minutes[$0 - window.firstLocal]) }
            if isTick { ticks.append((window.first + Int64(index)) * 60) }
            reached = local
        }
        return ticks
    }
}

/// Some days in a zone, minute by minute.
struct SlowWindow {
    let zone: ZoneRules
    /// The first minute, UTC.
    let first: Int64
    /// What the wall clock shows in each minute, as minutes since 1970-01-01 00:00.
    let local: [Int]
    let firstLocal: Int
    /// The wall clock's minutes, taken apart.
    let minutes: [SlowCron.Minute]

    init(_ zone: ZoneRules, from start: String, days: Int) {
        self.zone = zone
        let first = Instant(start).microseconds / 60_000_000
        self.first = first
        let local = (0..<Int64(days) * 1440)
            .map { minute in
                Int(first + minute) + zone.offset(at: Instant(second: (first + minute) * 60)) / 60
            }
        self.local = local
        self.firstLocal = local.min() ?? 0
        self.minutes = SlowCron.Minute.all(from: self.firstLocal, through: local.max() ?? 0)
    }
}
