// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Foundation
import Testing

/// The fast arithmetic against one that looks at every minute, in days in which clocks change.
@Suite("Schedules against a slow reference")
struct CronReferenceTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var zone: String
        var start: String
        var testDescription: String { "\(self.zone) from \(self.start)" }
    }

    static let cases: [Case] = [
        Case(zone: "UTC", start: "2028-02-20 00:00"),
        Case(zone: "Europe/Berlin", start: "2026-03-22 00:00"),
        Case(zone: "Europe/Berlin", start: "2039-10-22 00:00"),
        Case(zone: "America/New_York", start: "2026-03-01 12:00"),
        Case(zone: "America/New_York", start: "2026-10-25 12:00"),
        Case(zone: "Australia/Lord_Howe", start: "2026-03-28 00:00"),
        Case(zone: "Australia/Lord_Howe", start: "2026-09-27 00:00"),
        Case(zone: "Asia/Kathmandu", start: "1985-12-25 00:00"),
        Case(zone: "Africa/Casablanca", start: "2026-02-08 00:00"),
        Case(zone: "Africa/Casablanca", start: "2026-03-15 00:00"),
        Case(zone: "Pacific/Apia", start: "2011-12-24 00:00"),
        Case(zone: "America/Santiago", start: "2026-08-30 00:00"),
        Case(zone: "America/Santiago", start: "2026-03-29 00:00"),
        Case(zone: "Africa/Cairo", start: "2026-04-18 00:00"),
        Case(zone: "Africa/Cairo", start: "2026-10-24 00:00"),
        Case(zone: "America/Nuuk", start: "2026-03-22 00:00"),
    ]

    @Test("next, previous and count agree with it for 200 expressions in each window", arguments: Self.cases)
    func agree(_ test: Case) throws {
        let window = SlowWindow(try ZoneFixture.zone(test.zone), from: test.start, days: 12)
        // What the clocks showed before the window is unknown to the reference, so the first day is left out.
        let from = Instant(second: window.first * 60 + 86_400)
        let end = Instant(second: window.first * 60 + 12 * 86_400)
        for seed in 0..<UInt64(200) {
            let slow = SlowCron(seed: seed &* 7919 &+ UInt64(bitPattern: window.first))
            let context = "seed \(seed): \(slow.text) in \(test.zone)"
            let expected = slow.ticks(in: window).map { Instant(second: $0) }.filter { $0 > from }
            let cron = try CronExpression(slow.text)
            #expect(cron.count(after: from, through: end.predecessor, in: window.zone) == expected.count, "\(context)")
            let bounded = [from] + expected + [end]
            for index in Self.telling(bounded) {
                let (left, right) = (bounded[index], bounded[index + 1])
                let next = min(cron.next(after: left, in: window.zone) ?? end, end)
                let previous = max(cron.previous(before: right, in: window.zone) ?? from, from)
                guard next == right, previous == left else {
                    let found =
                        "next is \(next.text), not \(right.text); previous is \(previous.text), not \(left.text)"
                    Issue.record("\(context): \(found)")
                    break
                }
            }
        }
    }

    /// Where ticks are compared: everywhere when they are few, otherwise now and then, and where their rhythm changes.
    private static func telling(_ ticks: [Instant]) -> [Int] {
        ticks.indices.dropLast()
            .filter { index in
                if ticks.count < 200 || index % 41 == 0 || index == 0 || index + 2 == ticks.count { return true }
                let before = ticks[index].microseconds - ticks[index - 1].microseconds
                return ticks[index + 1].microseconds - ticks[index].microseconds != before && index % 3 == 0
            }
    }

    @Test("offsets are those that another reader of the same files gives")
    func offsets() throws {
        let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
            .appending(path: "Fixtures/zones/offsets.txt")
        let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 1350)
        var zones: [String: ZoneRules] = [:]
        for line in lines {
            let parts = line.split(separator: " ")
            let name = String(parts[0])
            let zone = try zones[name] ?? ZoneFixture.zone(name)
            zones[name] = zone
            let second = try #require(Int64(parts[1]))
            #expect(zone.offset(at: Instant(second: second)) == Int(parts[2]), "\(line)")
        }
    }

    @Test("seconds are counted by days: a year of them is as quick as a year of days")
    func seconds() throws {
        let every = try CronExpression("* * * * * *")
        let (start, end) = (Instant("2026-01-01 00:00"), Instant("2027-01-01 00:00"))
        #expect(every.count(after: start, through: end, in: .utc) == 365 * 86_400)
        let berlin = try ZoneFixture.zone("Europe/Berlin")
        #expect(every.count(after: start, through: end, in: berlin) == 365 * 86_400)
        let some = try CronExpression("10,20 5 3-4 * * *")
        var slow = 0
        var cursor = start
        while let next = some.next(after: cursor, in: berlin), next <= end { (slow, cursor) = (slow + 1, next) }
        #expect(some.count(after: start, through: end, in: berlin) == slow)
        #expect(some.count(after: end, through: start, in: berlin) == 0)
    }
}
