// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@testable import Cano

@Suite("Times and names at the HTTP edge")
struct EdgeFormatTests {
    @Test(
        "an instant is written in UTC with milliseconds, and read back",
        arguments: [
            (Int64(0), "1970-01-01T00:00:00.000Z"), (-1000, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z"), (1_795_364_100_250_000, "2026-11-22T16:15:00.250Z"),
            (4_107_542_399_999_000, "2100-02-28T23:59:59.999Z"), (4_107_542_400_000_000, "2100-03-01T00:00:00.000Z"),
        ]
    )
    func instants(microseconds: Int64, text: String) {
        #expect(Instant(microseconds: microseconds).iso8601 == text)
        #expect(Instant(iso8601: text) == Instant(microseconds: microseconds))
    }

    @Test("every day of four centuries survives the way there and back")
    func days() throws {
        let noon: Int64 = 43_200_000_000
        for day in stride(from: Int64(-73_000), to: 73_000, by: 1) {
            let instant = Instant(microseconds: day * 86_400_000_000 + noon)
            try #require(Instant(iso8601: instant.iso8601) == instant, "day \(day)")
        }
    }

    @Test("a fraction may have any number of digits up to six, or be absent")
    func fractions() {
        #expect(Instant(iso8601: "1970-01-01T00:00:01Z")?.microseconds == 1_000_000)
        #expect(Instant(iso8601: "1970-01-01T00:00:01.5Z")?.microseconds == 1_500_000)
        #expect(Instant(iso8601: "1970-01-01T00:00:01.000002Z")?.microseconds == 1_000_002)
    }

    @Test(
        "anything else is no instant",
        arguments: [
            "", "now", "1970-01-01", "1970-01-01T00:00:01", "1970-13-01T00:00:00Z", "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:01.Z", "1970-01-01T00:00:01.1234567Z", "1970-01-01 00:00:01Z", "1970-01-01T00:00:0aZ",
        ]
    )
    func noInstant(text: String) {
        #expect(Instant(iso8601: text) == nil)
    }

    @Test("a name survives the way through a URL", arguments: ["plain", "runs:batch", "a b/c?d#e&f=g%h+i", "é😀", ""])
    func percent(name: String) {
        let encoded = PercentCoding.encode(name)
        #expect(encoded.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") })
        #expect(PercentCoding.decode(encoded) == name)
    }

    @Test("a broken escape is refused", arguments: ["%", "%4", "%zz", "%+1", "%ff"])
    func brokenPercent(text: String) {
        #expect(PercentCoding.decode(text) == nil)
    }

    @Test("the position of a run is where the last entry led, whatever follows it")
    func position() {
        func row(_ seq: Int, _ kind: HistoryRow.Kind, _ state: String?, _ context: String?) -> HistoryRow {
            var row = HistoryRow(run: RunID(high: 1, low: 1), seq: seq, kind: kind, at: Instant(microseconds: 0))
            row.state = state
            row.visit = state == nil ? 0 : seq
            row.payload = context.map { .json($0) }
            return row
        }
        let rows = [
            row(1, .started, "a", "1"), row(2, .entered, "b", "2"), row(3, .sagaPushed, "b", "99"),
            row(4, .branchDone, nil, "98"),
        ]
        #expect(RunPosition(rows) == RunPosition(state: "b", visit: 2, context: .json("2")))
        let end = RunPosition([row(5, .finished, nil, "3")], behind: RunPosition(rows))
        #expect(end == RunPosition(state: "b", visit: 2, context: .json("3")))
    }
}
