// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Matching on the local clock alone: seconds since 1970-01-01 00:00 as a wall clock counts them.
extension CronExpression {
    private static let day: Int64 = 86_400

    /// The first second of `range` that matches.
    func firstLocal(in range: Range<Int64>) -> Int64? {
        guard !range.isEmpty else { return nil }
        var (number, time) = floorDivide(range.lowerBound, Self.day)
        while number * Self.day < range.upperBound {
            let day = CivilDay(number: number)
            let (year, month, date) = day.date
            guard self.months.has(month) else {
                (number, time) = (CivilDay(year: year, month: month + 1, day: 1).number, 0)
                continue
            }
            if self.matches(date, day.weekday, CivilDay.length(year: year, month: month)),
                let found = self.firstTime(from: time)
            {
                let second = number * Self.day + found
                return second < range.upperBound ? second : nil
            }
            (number, time) = (number + 1, 0)
        }
        return nil
    }

    /// The last second of `range` that matches.
    func lastLocal(in range: Range<Int64>) -> Int64? {
        guard !range.isEmpty else { return nil }
        var (number, time) = floorDivide(range.upperBound - 1, Self.day)
        while (number + 1) * Self.day > range.lowerBound {
            let day = CivilDay(number: number)
            let (year, month, date) = day.date
            guard self.months.has(month) else {
                (number, time) = (CivilDay(year: year, month: month, day: 1).number - 1, Self.day - 1)
                continue
            }
            if self.matches(date, day.weekday, CivilDay.length(year: year, month: month)),
                let found = self.lastTime(through: time)
            {
                let second = number * Self.day + found
                return second >= range.lowerBound ? second : nil
            }
            (number, time) = (number - 1, Self.day - 1)
        }
        return nil
    }

    /// How many seconds of `range` match, by counting days, not seconds.
    func countLocal(in range: Range<Int64>) -> Int {
        guard !range.isEmpty else { return 0 }
        let perDay =
            self.hours.nonzeroBitCount * self.minutes.nonzeroBitCount * self.seconds.nonzeroBitCount
        let (first, begin) = floorDivide(range.lowerBound, Self.day)
        let (last, end) = floorDivide(range.upperBound, Self.day)
        var count = 0
        for number in first...last where self.matches(CivilDay(number: number)) {
            let before = number == last ? self.countTimes(before: end) : perDay
            count += before - (number == first ? self.countTimes(before: begin) : 0)
        }
        return count
    }

    // MARK: The time of day

    private func firstTime(from time: Int64) -> Int64? {
        let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60)
        if self.hours.has(hour) {
            if self.minutes.has(minute), let found = self.seconds.first(from: second) {
                return hour * 3600 + minute * 60 + found
            }
            if let found = self.minutes.first(from: minute + 1), let start = self.seconds.first(from: 0) {
                return hour * 3600 + found * 60 + start
            }
        }
        guard let later = self.hours.first(from: hour + 1), let minute = self.minutes.first(from: 0),
            let second = self.seconds.first(from: 0)
        else { return nil }
        return later * 3600 + minute * 60 + second
    }

    private func lastTime(through time: Int64) -> Int64? {
        let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60)
        if self.hours.has(hour) {
            if self.minutes.has(minute), let found = self.seconds.last(through: second) {
                return hour * 3600 + minute * 60 + found
            }
            if let found = self.minutes.last(through: minute - 1), let end = self.seconds.last(through: 59) {
                return hour * 3600 + found * 60 + end
            }
        }
        guard let earlier = self.hours.last(through: hour - 1), let minute = self.minutes.last(through: 59),
            let second = self.seconds.last(through: 59)
        else { return nil }
        return earlier * 3600 + minute * 60 + second
    }

    private func countTimes(before time: Int64) -> Int {
        let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60)
        let perMinute = self.seconds.nonzeroBitCount
        var count = self.hours.count(below: hour) * self.minutes.nonzeroBitCount * perMinute
        guard self.hours.has(hour) else { return count }
        count += self.minutes.count(below: minute) * perMinute
        return self.minutes.has(minute) ? count + self.seconds.count(below: second) : count
    }
}

extension UInt64 {
    /// The lowest set bit that is not below `bit`.
    fileprivate func first(from bit: Int64) -> Int64? {
        guard bit < 64 else { return nil }
        let rest = self >> UInt64(bit)
        return rest == 0 ? nil : bit + Int64(rest.trailingZeroBitCount)
    }

    /// The highest set bit that is not above `bit`.
    fileprivate func last(through bit: Int64) -> Int64? {
        guard bit >= 0 else { return nil }
        let rest = self << (63 - UInt64(bit))
        return rest == 0 ? nil : bit - Int64(rest.leadingZeroBitCount)
    }

    /// How many bits below `bit` are set.
    fileprivate func count(below bit: Int64) -> Int {
        bit <= 0 ? 0 : (self << (64 - UInt64(bit))).nonzeroBitCount
    }
}
