// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Foundation
import Testing

/// Rows of signals, children, people and migrations as they were written once; they stay readable for ever.
@Suite("Golden history rows of events")
struct EventGoldenTests {
    private static let file = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/history/rows-events.json")
    private static let child = RunID(high: 0x0190_0000_0000_7ABC, low: 0x8123_4567_89AB_CD05)
    private static let attempt = HistoryGoldenTests.attempt
    private static let context = HistoryGoldenTests.context

    private static var entry: Record.Entry {
        var entry = Record.Entry(state: "ship", visit: 3, context: context)
        entry.arrival = .signal(seq: 7)
        entry.signals.kept = [12, 15]
        entry.signals.past = [3, 7]
        return entry
    }

    private static var afterChild: Record.Entry {
        var entry = Record.Entry(state: "ship", visit: 3, context: context)
        entry.arrival = .child(seq: 9)
        return entry
    }

    private static let records: [(String, Record)] = [
        ("entered by a signal", .entered(entry)),
        ("entered by a child", .entered(afterChild)),
        ("signalled", .signalled(RunSignal(name: "paid", payload: .json("42"), id: "p-1"))),
        ("signalled without an id", .signalled(RunSignal(name: "paid", payload: .json("42")))),
        (
            "child started",
            .childStarted(
                Record.ChildStart(run: child, workflow: "bill", version: 2, context: context, cause: attempt)
            )
        ),
        ("child succeeded", .childEnded(ChildResult(run: child, outcome: .succeeded, context: context))),
        ("child failed", .childEnded(ChildResult(run: child, outcome: .failed(HistoryGoldenTests.exit), context: nil))),
        ("intervened", .intervened(.undo(seq: 5), .resolve, by: "ann", note: "paid back by hand")),
        ("intervened without a note", .intervened(.step, .retry, by: "ann", note: nil)),
        ("migrated", .migrated(entry, Record.Migration(from: 1, to: 2))),
    ]

    @Test("rows written long ago are read as the records that they were, and written the same again")
    func golden() throws {
        let stored = try JSONDecoder().decode([String: GoldenRow].self, from: Data(contentsOf: Self.file))
        #expect(Set(stored.keys) == Set(Self.records.map(\.0)))
        for (name, record) in Self.records {
            let row = HistoryRow(record, run: HistoryGoldenTests.run, seq: 12, at: HistoryGoldenTests.at)
            let written = try GoldenRow(row).text()
            let golden = try #require(stored[name], "add to the fixture: \"\(name)\": \(written)")
            #expect(GoldenRow(row) == golden, "\(name): \(written)")
            let kind = try #require(HistoryRow.Kind(rawValue: golden.kind))
            let read = try golden.row(run: HistoryGoldenTests.run, seq: 12, kind: kind, at: HistoryGoldenTests.at)
            #expect(try read.record() == record, "\(name)")
        }
    }

    @Test(
        "a text of known signals that nobody wrote is refused",
        arguments: ["kept", "kept ", "past 0", "x", "kept 1;"]
    )
    func damaged(text: String) throws {
        var row = HistoryRow(.entered(Self.entry), run: HistoryGoldenTests.run, seq: 12, at: HistoryGoldenTests.at)
        row.detail = text
        #expect(throws: CanoError.self) { try row.record() }
    }
}
