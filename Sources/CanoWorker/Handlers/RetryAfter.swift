// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// The header `Retry-After` (RFC 9110): a number of seconds, or a date.
enum RetryAfter {
    /// The longest pause that a server may ask for; a day.
    static let maximum = Span.seconds(24 * 3600)

    /// The pause that a server asks for.
    ///
    /// - Parameters:
    ///   - value: the header.
    ///   - now: the seconds since 1970 from which a date is counted.
    /// - Returns: `nil` when the header says nothing usable.
    static func pause(_ value: String, now: Int64) -> Span? {
        let text = value.filter { $0 != " " || value.contains(",") }
        if let seconds = Int64(text) { return seconds < 0 ? nil : min(.seconds(seconds), Self.maximum) }
        guard let date = Self.seconds(ofDate: value) else { return nil }
        return min(.seconds(max(0, date - now)), Self.maximum)
    }

    /// Seconds since 1970 of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`; `nil` for any other form.
    static func seconds(ofDate text: String) -> Int64? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", parts[0].hasSuffix(","), let day = Int64(parts[1]),
            let month = Self.months.firstIndex(where: { $0 == parts[2] }), let year = Int64(parts[3])
        else { return nil }
        let time = parts[4].split(separator: ":").compactMap { Int64($0) }
        guard time.count == 3, (1...31).contains(day), (1970...9999).contains(year), (0..<24).contains(time[0]),
            (0..<60).contains(time[1]), (0...60).contains(time[2])
        else { return nil }
        return Self.days(year, Int64(month) + 1, day) * 86400 + time[0] * 3600 + time[1] * 60 + time[2]
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Days from 1970-01-01 to a date of the Gregorian calendar, counted in years that begin in March.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
