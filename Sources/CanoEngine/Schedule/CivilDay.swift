// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A day of the Gregorian calendar, counted from 1970-01-01.
///
/// The calendar is taken to have been Gregorian for ever, as ISO 8601 does.
package struct CivilDay: Hashable, Comparable, Sendable {
    /// Days since 1970-01-01.
    package var number: Int64

    /// The day so many days after 1970-01-01.
    package init(number: Int64) {
        self.number = number
    }

    /// The day of a date; a month or day outside its range counts on into the next one.
    package init(year: Int64, month: Int64, day: Int64) {
        // The arithmetic counts in eras of 400 years that begin on 1 March, so that the leap day comes last.
        let (era, yearOfEra) = floorDivide(month <= 2 ? year - 1 : year, 400)
        let shifted = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * shifted + 2) / 5 + day - 1
        self.number = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// Year, month (from 1) and day (from 1).
    package var date: (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floorDivide(self.number + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    /// The day of the week, from 0 for Sunday.
    package var weekday: Int64 { floorDivide(self.number + 4, 7).remainder }

    /// How many days a month has.
    package static func length(year: Int64, month: Int64) -> Int64 {
        switch month {
        case 2: Self.isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Whether a year has a 29 February.
    package static func isLeap(_ year: Int64) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    /// Whether the left one comes first.
    package static func < (left: CivilDay, right: CivilDay) -> Bool { left.number < right.number }
}

/// Divides so that the remainder is never negative.
package func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
}
