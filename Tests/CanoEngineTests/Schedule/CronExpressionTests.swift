// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Cron expressions")
struct CronExpressionTests {
    /// The first times behind an instant, all UTC.
    static func times(
        _ text: String,
        after start: String,
        in zone: String = "UTC",
        count: Int = 3,
        change: ClockChange = ClockChange(),
        dayMatch: CronExpression.DayMatch = .either
    ) throws -> [String] {
        let expression = try CronExpression(text, name: "s", dayMatch: dayMatch)
        let zone = try ZoneFixture.zone(zone)
        var times: [String] = []
        var cursor = Instant(start)
        while times.count < count, let next = expression.next(after: cursor, in: zone, change) {
            times.append(next.text)
            cursor = next
        }
        return times
    }

    @Test(
        "F-SCHED-04: fields, lists, ranges, steps, names and special days",
        arguments: [
            ("*/15 * * * *", ["2026-01-01 00:15", "2026-01-01 00:30", "2026-01-01 00:45"]),
            ("*/20 30 9 * * *", ["2026-01-01 09:30", "2026-01-01 09:30:20", "2026-01-01 09:30:40"]),
            ("0 9-17/4 * * MON-FRI", ["2026-01-01 09:00", "2026-01-01 13:00", "2026-01-01 17:00"]),
            ("5/20 0 * * *", ["2026-01-01 00:05", "2026-01-01 00:25", "2026-01-01 00:45"]),
            ("0 0 1,15 * *", ["2026-01-15 00:00", "2026-02-01 00:00", "2026-02-15 00:00"]),
            ("0 0 * * SUN", ["2026-01-04 00:00", "2026-01-11 00:00", "2026-01-18 00:00"]),
            ("0 0 * * 7", ["2026-01-04 00:00", "2026-01-11 00:00", "2026-01-18 00:00"]),
            ("0 0 * * fri-sun", ["2026-01-02 00:00", "2026-01-03 00:00", "2026-01-04 00:00"]),
            ("0 0 L * *", ["2026-01-31 00:00", "2026-02-28 00:00", "2026-03-31 00:00"]),
            ("0 0 L-3 * *", ["2026-01-28 00:00", "2026-02-25 00:00", "2026-03-28 00:00"]),
            ("0 0 LW * *", ["2026-01-30 00:00", "2026-02-27 00:00", "2026-03-31 00:00"]),
            ("0 0 15W * *", ["2026-01-15 00:00", "2026-02-16 00:00", "2026-03-16 00:00"]),
            ("0 0 1W * *", ["2026-02-02 00:00", "2026-03-02 00:00", "2026-04-01 00:00"]),
            ("0 0 1W AUG *", ["2026-08-03 00:00", "2027-08-02 00:00", "2028-08-01 00:00"]),
            ("0 0 * * FRIL", ["2026-01-30 00:00", "2026-02-27 00:00", "2026-03-27 00:00"]),
            ("0 0 * * 5#2", ["2026-01-09 00:00", "2026-02-13 00:00", "2026-03-13 00:00"]),
            ("0 0 * * MON#5", ["2026-03-30 00:00", "2026-06-29 00:00", "2026-08-31 00:00"]),
            ("0 0 29 2 *", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
            ("0 0 13 * FRI", ["2026-01-02 00:00", "2026-01-09 00:00", "2026-01-13 00:00"]),
            ("0 0 */10 * FRI", ["2026-05-01 00:00", "2026-07-31 00:00", "2026-08-21 00:00"]),
            ("0 0 ? * FRI", ["2026-01-02 00:00", "2026-01-09 00:00", "2026-01-16 00:00"]),
            ("0 0 1 JAN,JUL *", ["2026-07-01 00:00", "2027-01-01 00:00", "2027-07-01 00:00"]),
            ("@hourly", ["2026-01-01 01:00", "2026-01-01 02:00", "2026-01-01 03:00"]),
            ("@weekly", ["2026-01-04 00:00", "2026-01-11 00:00", "2026-01-18 00:00"]),
            ("  @Monthly ", ["2026-02-01 00:00", "2026-03-01 00:00", "2026-04-01 00:00"]),
        ]
    )
    func fields(text: String, expected: [String]) throws {
        #expect(try Self.times(text, after: "2026-01-01 00:00") == expected)
    }

    @Test("both days restricted: either counts, or both when it is asked for")
    func bothDays() throws {
        let times = try Self.times("0 0 13 * FRI", after: "2026-01-01 00:00", dayMatch: .both)
        #expect(times == ["2026-02-13 00:00", "2026-03-13 00:00", "2026-11-13 00:00"])
    }

    @Test(
        "a mistake is named with its field and column",
        arguments: [
            ("60 * * * *", "cron '60 * * * *': minute, column 1: 60 is not within 0-59"),
            ("0 24 * * *", "hour, column 3: 24 is not within 0-23"),
            ("0  9-5 * * *", "hour, column 4: the range 9-5 runs backwards"),
            ("0 0 32 * *", "day of month, column 5: 32 is not within 1-31"),
            ("0 0 1 FOO *", "month, column 7: 'FOO' is not known here; write JAN FEB"),
            ("0 0 * * MOON", "day of week, column 9: 'MOON' is not known here"),
            ("0 0 * * L", "day of week, column 9: 'L' needs a day before it"),
            ("0 0 * * FRI#6", "day of week, column 13: 6 is not within 1-5"),
            ("*/0 * * * *", "minute, column 3: 0 is not within 1-59"),
            ("1,,2 * * * *", "minute, column 3: ',' is not expected here; write 0-59"),
            ("1- * * * *", "minute, column 3: the end of the field is not expected here"),
            ("1x * * * *", "minute, column 2: 'x' is not expected here"),
            ("* * * *", "4 fields; write five"),
            ("0 0 12 * * ? 2027", "7 fields; write five"),
            ("", "0 fields"),
            ("@fortnightly", "'@fortnightly' is no name of a schedule; known are @yearly"),
            ("@every 5s", "an interval such as '@every 90s' stands alone"),
            ("H(1-0) * * * *", "minute, column 3: the range runs backwards"),
            ("H(0-5 * * * *", "minute, column 6: ')' is missing"),
            ("\u{661} * * * *", "minute, column 1"),
        ]
    )
    func mistakes(text: String, message: String) {
        let error = #expect(throws: CanoError.self) { _ = try CronExpression(text) }
        #expect(error?.code == .invalidSchedule)
        #expect(error?.message.contains(message) ?? false, "\(error?.message ?? "")")
    }

    @Test("H is drawn from the name: the same for ever, different for different names, within its range")
    func hashed() throws {
        var minutes: Set<String> = []
        for index in 0..<50 {
            let name = "job-\(index)"
            let expression = try CronExpression("H H(2-4) H * *", name: name)
            let next = try #require(expression.next(after: Instant("2026-01-31 23:59"), in: .utc))
            #expect(
                next
                    == (try CronExpression("H H(2-4) H * *", name: name)
                        .next(after: Instant("2026-02-01 00:00"), in: .utc))
            )
            let parts = next.text.split { !$0.isNumber }
            #expect(["02", "03", "04"].contains(parts[3]))
            minutes.insert(String(parts[4]))
        }
        #expect(minutes.count > 20)
        let quarters = try Self.times("H/15 * * * *", after: "2026-01-01 00:00", count: 4)
        let first = try #require(quarters.first)
        #expect(first < "2026-01-01 00:15" || first == "2026-01-01 00:15")
        #expect(Set(quarters.map { Int($0.suffix(2)).map { $0 % 15 } }).count == 1)
    }

    @Test("what never comes is found out, and so is the end of time")
    func never() throws {
        #expect(try CronExpression("0 0 30 2 *").next(after: Instant("2026-01-01 00:00"), in: .utc) == nil)
        #expect(try CronExpression("0 0 30 2 *").previous(before: Instant("2026-01-01 00:00"), in: .utc) == nil)
        let daily = try CronExpression("@daily")
        #expect(daily.next(after: Instant("9999-12-31 00:00"), in: .utc) == nil)
        #expect(daily.previous(before: Instant(microseconds: .max), in: .utc) == Instant("9999-12-31 00:00"))
        #expect(
            try CronExpression("0 0 29 2 *").next(after: Instant("2096-02-29 00:00"), in: .utc)?.text
                == "2104-02-29 00:00"
        )
        let error = #expect(throws: CanoError.self) {
            try ScheduleSpec(.cron(CronExpression("0 0 31 4 *"), .utc))
                .validate(limits: Limits(), at: Instant("2026-01-01 00:00"))
        }
        #expect(error?.message.contains("names no time in the next eight years") ?? false)
    }
}
