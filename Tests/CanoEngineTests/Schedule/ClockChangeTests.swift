// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

/// The table of `docs/schedules.md`, and more.
@Suite("Schedules when clocks change")
struct ClockChangeTests {
    private func times(_ text: String, _ zone: String, _ start: String, _ count: Int = 3) throws -> [String] {
        try CronExpressionTests.times(text, after: start, in: zone, count: count)
    }

    @Test("a named time in a gap counts once, right behind the gap")
    func gap() throws {
        // Berlin 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC.
        #expect(
            try self.times("30 2 * * *", "Europe/Berlin", "2026-03-28 00:00")
                == ["2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"]
        )
        // Two times in one gap are one tick, and so is a time right behind it.
        #expect(
            try self.times("10,40 2 * * *", "Europe/Berlin", "2026-03-29 00:00")
                == ["2026-03-29 01:00", "2026-03-30 00:10", "2026-03-30 00:40"]
        )
        #expect(
            try self.times("0 2,3 * * *", "Europe/Berlin", "2026-03-29 00:00", 2) == [
                "2026-03-29 01:00", "2026-03-30 00:00",
            ]
        )
        // New York 2026-03-08: 02:00 becomes 03:00 at 07:00 UTC.
        #expect(try self.times("30 2 * * *", "America/New_York", "2026-03-08 00:00", 1) == ["2026-03-08 07:00"])
        // A Sunday in March that is named only once is not put off for a year.
        #expect(try self.times("30 2 29 3 *", "Europe/Berlin", "2026-01-01 00:00", 1) == ["2026-03-29 01:00"])
    }

    @Test("a named time that is shown twice counts once, the first time")
    func repetition() throws {
        // Berlin 2026-10-25: 03:00 becomes 02:00 at 01:00 UTC.
        #expect(
            try self.times("30 2 * * *", "Europe/Berlin", "2026-10-24 12:00") == [
                "2026-10-25 00:30", "2026-10-26 01:30", "2026-10-27 01:30",
            ]
        )
        #expect(
            try self.times("0 1 * * *", "America/New_York", "2026-11-01 00:00", 2) == [
                "2026-11-01 05:00", "2026-11-02 06:00",
            ]
        )
        #expect(
            try self.times("*/30 2 * * *", "Europe/Berlin", "2026-10-25 00:00", 3) == [
                "2026-10-25 00:30", "2026-10-26 01:00", "2026-10-26 01:30",
            ]
        )
    }

    @Test("an hour that begins with * follows absolute time through both changes")
    func rolling() throws {
        #expect(
            try self.times("0 * * * *", "Europe/Berlin", "2026-10-24 23:30", 4) == [
                "2026-10-25 00:00", "2026-10-25 01:00", "2026-10-25 02:00", "2026-10-25 03:00",
            ]
        )
        #expect(
            try self.times("30 */2 * * *", "Europe/Berlin", "2026-03-29 00:00", 2) == [
                "2026-03-29 02:30", "2026-03-29 04:30",
            ]
        )
        let seconds = try self.times("*/10 * * * * *", "Europe/Berlin", "2026-10-25 00:59:50", 720)
        #expect(seconds.last == "2026-10-25 02:59:50")
    }

    @Test("the other answers can be chosen")
    func choices() throws {
        var change = ClockChange()
        change.gap = .skip
        change.repetition = .last
        func times(_ start: String) throws -> [String] {
            try CronExpressionTests.times("30 2 * * *", after: start, in: "Europe/Berlin", count: 2, change: change)
        }
        #expect(try times("2026-03-28 02:00") == ["2026-03-30 00:30", "2026-03-31 00:30"])
        #expect(try times("2026-10-24 12:00") == ["2026-10-25 01:30", "2026-10-26 01:30"])
        change.repetition = .both
        #expect(try times("2026-10-24 12:00") == ["2026-10-25 00:30", "2026-10-25 01:30"])
    }

    @Test("half-hour shifts, gaps at midnight and a missing day")
    func unusual() throws {
        // Lord Howe 2026-10-04: 02:00 becomes 02:30 at 15:30 UTC the day before.
        #expect(
            try self.times("15 2 * * *", "Australia/Lord_Howe", "2026-10-02 20:00", 2) == [
                "2026-10-03 15:30", "2026-10-04 15:15",
            ]
        )
        // Santiago 2026-09-06: 00:00 becomes 01:00 at 04:00 UTC.
        #expect(
            try self.times("0 0 * * *", "America/Santiago", "2026-09-05 12:00", 2) == [
                "2026-09-06 04:00", "2026-09-07 03:00",
            ]
        )
        // Cairo 2026-04-24: 00:00 becomes 01:00 at 22:00 UTC the day before.
        #expect(try self.times("30 0 * * FRI", "Africa/Cairo", "2026-04-23 00:00", 1) == ["2026-04-23 22:00"])
        // Apia had no 2011-12-30: it went from the 29th to the 31st at 10:00 UTC of the 30th.
        #expect(
            try self.times("0 9 * * *", "Pacific/Apia", "2011-12-29 00:00") == [
                "2011-12-29 19:00", "2011-12-30 10:00", "2011-12-30 19:00",
            ]
        )
        #expect(try self.times("0 9 * * FRI", "Pacific/Apia", "2011-12-29 20:00", 1) == ["2011-12-30 10:00"])
        // Kathmandu is 5:45 ahead and never changes.
        #expect(try self.times("0 12 * * *", "Asia/Kathmandu", "2026-06-01 00:00", 1) == ["2026-06-01 06:15"])
    }

    @Test("rules for the future come from the line at the end of the file", arguments: ZoneFixture.names)
    func future(name: String) throws {
        let zone = try ZoneFixture.zone(name)
        let summer = zone.offset(at: Instant("2150-07-01 00:00"))
        let winter = zone.offset(at: Instant("2150-01-01 00:00"))
        let expected: [String: (Int, Int)] = [
            "Europe/Berlin": (7200, 3600), "America/New_York": (-14_400, -18_000),
            "Australia/Lord_Howe": (37_800, 39_600),
            "Asia/Kathmandu": (20_700, 20_700), "Africa/Casablanca": (3600, 3600), "Pacific/Apia": (46_800, 46_800),
            "America/Santiago": (-14_400, -10_800), "Africa/Cairo": (10_800, 7200), "America/Nuuk": (-3600, -7200),
        ]
        #expect(expected[name].map { $0 == (summer, winter) } ?? false, "\(summer) \(winter)")
    }

    @Test("a damaged zone file is refused with its reason, wherever it is cut")
    func damaged() throws {
        let bytes = try ZoneFixture.bytes("Europe/Berlin")
        for length in stride(from: 0, to: bytes.count, by: 7) {
            let error = #expect(throws: CanoError.self) {
                _ = try ZoneRules(tzif: Array(bytes.prefix(length)), name: "z")
            }
            #expect(error?.code == .invalidSchedule)
        }
        var random = SplitMix64(seed: 7)
        for _ in 0..<2000 {
            var damaged = bytes
            for _ in 0..<3 { damaged[Int(random.next() % UInt64(bytes.count))] = UInt8(random.next() & 0xFF) }
            // Whatever it says, nothing traps, and what is read can be asked.
            guard let zone = try? ZoneRules(tzif: damaged, name: "z") else { continue }
            _ = try CronExpression("30 2 * * *").next(after: Instant("2026-03-28 00:00"), in: zone)
            _ = try CronExpression("30 2 * * *").previous(before: Instant("2026-03-28 00:00"), in: zone)
        }
    }
}
