// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Foundation
import Testing

/// Rows as they were written once; they stay readable for ever.
///
/// The file is only ever added to.
@Suite("Golden history rows")
struct HistoryGoldenTests {
    static let file = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/history/rows-1.json")
    static let run = HistoryRowTests.run
    static let at = HistoryRowTests.at
    static let later = Instant(microseconds: 1_700_000_001_000_000)

    static let attempt = Record.Attempt(
        number: 2,
        token: Token(epoch: Epoch(rawValue: 3), counter: 41),
        worker: WorkerID(rawValue: "worker-1-4711"),
        startedAt: at
    )
    static let failure = Failure(code: "timeout", message: "took longer than 5 s", isRetryable: true)
    static let exit = Failure(code: "exit", message: "reached empty", isRetryable: false)
    static let context = Payload.json(#"{"shelf":"a"}"#)

    static let records: [(String, Record)] = [
        ("started", .started(Record.Entry(state: "fetch", visit: 1, context: context, due: later))),
        (
            "entered",
            .entered(
                Record.Entry(state: "publish", visit: 2, context: context, cause: attempt, split: 3...9, branchCount: 4)
            )
        ),
        (
            "expanded",
            .expanded(Record.Expansion(items: [.json("1"), .json("\"b\"")], cause: attempt, due: later))
        ),
        ("branch succeeded", .branchDone(index: 17, .success(.json("42")), attempt)),
        ("branch failed", .branchDone(index: 18, .failure(failure), attempt)),
        ("branch cancelled", .branchDone(index: 19, .cancelled, Record.Attempt(number: 0))),
        ("joined", .joined(.satisfied, settleBy: later)),
        ("join failed", .joined(.failed(exit), settleBy: nil)),
        ("attempt failed", .attemptFailed(.step, attempt, failure, retryAt: later)),
        ("attempt in doubt", .attemptFailed(.step, attempt, failure.inDoubt, retryAt: nil)),
        ("attempt lost", .attemptsLost([.init(path: .branch(4), attempt: attempt)], .workerGone, retryAt: nil)),
        (
            "attempts lost",
            .attemptsLost(
                [0, 1, 2, 7].map { .init(path: .branch($0), attempt: Record.Attempt(number: 1)) }
                    + [.init(path: .undo(seq: 5), attempt: attempt)],
                .owner,
                retryAt: later
            )
        ),
        ("attempt held", .attemptHeld(.expand, attempt)),
        ("step cursor", .stepCursor(.step, attempt, Record.Cursor(.json("17")))),
        ("step cursor later", .stepCursor(.branch(3), attempt, Record.Cursor(nil, resumeAt: later))),
        ("checkpoint", .checkpoint(.step, attempt, Record.Cursor(.json("17")))),
        (
            "checkpoint instead of another",
            .checkpoint(.step, attempt, Record.Cursor(.json("9"), replaces: 4, removed: 7))
        ),
        (
            "gathering",
            .entered(
                Record.Entry(
                    state: "count",
                    visit: 3,
                    context: context,
                    split: 3...9,
                    branchCount: 4,
                    isGathering: true
                )
            )
        ),
        ("heartbeat missed", .attemptsLost([.init(path: .step, attempt: attempt)], .heartbeatMissed, retryAt: later)),
        ("hedged", .attemptsLost([.init(path: .step, attempt: attempt)], .hedged, retryAt: nil)),
        ("saga pushed", .sagaPushed(Record.SagaPush(state: "charge", visit: 2, path: .step, output: .json("9")))),
        ("saga in doubt", .sagaPushed(Record.SagaPush(state: "charge", visit: 2, path: .branch(3), output: nil))),
        ("compensating", .compensating(.failed(exit))),
        ("compensating a cancel", .compensating(.cancelled(by: "ops"))),
        ("compensated", .compensated(entry: 5, attempt, failure: nil)),
        ("not compensated", .compensated(entry: 5, attempt, failure: failure)),
        ("cancel requested", .cancelRequested(.cancelled(by: "ops"), settleBy: later)),
        ("time is up", .cancelRequested(.timedOut, settleBy: nil)),
        (
            "succeeded",
            .finished(.succeeded, Record.Finish(state: "done", visit: 4, context: context, cause: attempt))
        ),
        ("failed", .finished(.failed(exit), Record.Finish(state: "empty", visit: 4, context: context, notUndone: 1))),
        ("gave up", .finished(.failed(failure), Record.Finish(state: nil, visit: 4, context: context))),
        ("cancelled", .finished(.cancelled(by: "ops"), Record.Finish(state: nil, visit: 4, context: context))),
        ("timed out", .finished(.timedOut, Record.Finish(state: nil, visit: 4, context: context))),
    ]

    @Test("rows written long ago are read as the records that they were, and written the same again")
    func golden() throws {
        let stored = try JSONDecoder().decode([String: GoldenRow].self, from: Data(contentsOf: Self.file))
        #expect(Set(stored.keys) == Set(Self.records.map(\.0)))
        for (name, record) in Self.records {
            let row = HistoryRow(record, run: Self.run, seq: 12, at: Self.at)
            let written = try GoldenRow(row).text()
            let golden = try #require(stored[name], "add to the fixture: \"\(name)\": \(written)")
            #expect(GoldenRow(row) == golden, "\(name): \(written)")
            let kind = try #require(HistoryRow.Kind(rawValue: golden.kind))
            #expect(try golden.row(run: Self.run, seq: 12, kind: kind, at: Self.at).record() == record, "\(name)")
        }
    }
}

/// The columns of a row as the fixture has them.
struct GoldenRow: Codable, Hashable {
    var kind: Int16
    var state: String?
    var visit: Int?
    var path: String?
    var attempt: Int?
    var token: String?
    var worker: String?
    var startedAt: Int64?
    var due: Int64?
    var reason: String?
    var detail: String?
    var number: Int64?
    var split: [Int]?
    var type: UInt8?
    var payload: String?

    init(_ row: HistoryRow) {
        self.kind = row.kind.rawValue
        self.state = row.state
        self.visit = row.visit == 0 ? nil : row.visit
        self.path = row.path
        self.attempt = row.attempt == 0 ? nil : row.attempt
        self.token = row.token.map { "\($0)" }
        self.worker = row.worker
        self.startedAt = row.startedAt?.microseconds
        self.due = row.due?.microseconds
        self.reason = row.reason
        self.detail = row.detail
        self.number = row.number
        self.split = row.split.map { [$0.lowerBound, $0.upperBound] }
        self.type = row.payload?.type.rawValue
        self.payload = row.payload.map { hexadecimal($0.bytes) }
    }

    func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    func row(run: RunID, seq: Int, kind: HistoryRow.Kind, at: Instant) throws -> HistoryRow {
        var row = HistoryRow(run: run, seq: seq, kind: kind, at: at)
        row.state = self.state
        row.visit = self.visit ?? 0
        row.path = self.path
        row.attempt = self.attempt ?? 0
        if let parts = self.token?.split(separator: ".").compactMap({ Int64($0) }), parts.count == 2 {
            row.token = Token(epoch: Epoch(rawValue: parts[0]), counter: parts[1])
        }
        row.worker = self.worker
        row.startedAt = self.startedAt.map(Instant.init(microseconds:))
        row.due = self.due.map(Instant.init(microseconds:))
        row.reason = self.reason
        row.detail = self.detail
        row.number = self.number
        if let split = self.split { row.split = split[0]...split[1] }
        if let text = self.payload, let type = self.type.flatMap(Payload.ContentType.init(rawValue:)) {
            let digits = Array(text)
            let bytes = stride(from: 0, to: digits.count, by: 2)
                .map { UInt8(String(digits[$0...$0 + 1]), radix: 16) ?? 0 }
            row.payload = Payload(bytes: bytes, type: type)
        }
        return row
    }
}
