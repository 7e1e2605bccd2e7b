// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("History rows")
struct HistoryRowTests {
    static let run = RunID(
        at: Instant(microseconds: 1_700_000_000_000_000),
        shard: ShardID(rawValue: 5),
        random: (1, 2)
    )
    static let at = Instant(microseconds: 1_700_000_000_123_456)

    @Test("every record survives its row", arguments: UInt64(0)..<400)
    func lossless(seed: UInt64) throws {
        var random = RandomRecords(seed: seed)
        for kind in HistoryRow.Kind.allCases {
            let record = random.record(of: kind)
            let row = HistoryRow(record, run: Self.run, seq: 7, at: Self.at)
            #expect(row.kind == kind)
            #expect(try row.record() == record, "seed \(seed)")
        }
    }

    @Test("ten thousand lost branches of unknown holders take a few bytes, and come back")
    func manyLost() throws {
        let lost = (0..<10_000)
            .map {
                Record.LostAttempt(path: .branch($0), attempt: Record.Attempt(number: $0 == 100 ? 3 : 1))
            }
        let record = Record.attemptsLost(lost, .owner, retryAt: nil)
        let row = HistoryRow(record, run: Self.run, seq: 2, at: Self.at)
        #expect(row.path == "branch/0-9999")
        #expect((row.payload?.count ?? .max) < 64)
        #expect(try row.record() == record)
    }

    @Test("a single lost attempt has its worker and token in the columns")
    func oneLost() {
        let attempt = Record.Attempt(
            number: 2,
            token: Token(epoch: Epoch(rawValue: 4), counter: 9),
            worker: WorkerID(rawValue: "worker-2"),
            startedAt: Self.at
        )
        let record = Record.attemptsLost([.init(path: .branch(17), attempt: attempt)], .workerGone, retryAt: Self.at)
        let row = HistoryRow(record, run: Self.run, seq: 2, at: Self.at)
        #expect(row.path == "branch/17")
        #expect(row.worker == "worker-2")
        #expect(row.token == attempt.token)
        #expect(row.attempt == 2)
        #expect(row.startedAt == Self.at)
        #expect(row.reason == "workerGone")
        #expect(row.payload == nil)
    }

    @Test("a failure's code can be any word, also one that means something else", arguments: [true, false])
    func reservedWords(isRetryable: Bool) throws {
        for code in ["cancelled", "timedOut", "succeeded", "satisfied", "failed:", "gaveUp:x", ""] {
            let failure = Failure(code: code, message: "m", isRetryable: isRetryable)
            let finish = Record.Finish(state: nil, visit: 1, context: .emptyObject, notUndone: 2)
            let records: [Record] = [
                .finished(.failed(failure), finish), .compensating(.failed(failure)),
                .compensated(entry: 3, nil, failure: failure), .joined(.failed(failure), settleBy: nil),
                .branchDone(index: 0, .failure(failure), Record.Attempt(number: 0)),
                .cancelRequested(.failed(failure), settleBy: nil),
            ]
            for record in records {
                #expect(try HistoryRow(record, run: Self.run, seq: 1, at: Self.at).record() == record)
            }
        }
    }

    @Test("a damaged row is refused by run and row, and never stops the process", arguments: HistoryRow.Kind.allCases)
    func damaged(kind: HistoryRow.Kind) {
        let damages: [@Sendable (inout HistoryRow) -> Void] = [
            { $0.state = nil }, { $0.path = nil }, { $0.path = "branch/x" }, { $0.reason = nil },
            { $0.reason = "?" }, { $0.detail = nil }, { $0.number = nil }, { $0.number = 7 }, { $0.payload = nil },
            { $0.payload = Payload(bytes: [1, 2, 3], type: .binary) },
            { $0.payload = Payload(bytes: [1, 2, 0, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F, 2, 0], type: .binary) },
        ]
        var refused = 0
        for seed in UInt64(0)..<20 {
            var random = RandomRecords(seed: seed)
            let record = random.record(of: kind)
            for damage in damages {
                var row = HistoryRow(record, run: Self.run, seq: 42, at: Self.at)
                damage(&row)
                do {
                    _ = try row.record()
                } catch {
                    refused += 1
                    #expect(error.code == .storeCorrupt)
                    #expect(error.message.contains("row 42 of run \(Self.run) (\(kind.name))"))
                }
            }
        }
        #expect(refused > 0)
    }
}
