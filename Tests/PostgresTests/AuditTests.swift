// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@testable import CanoPostgres

@Suite("What people read in PostgreSQL", .enabled(if: Server.uri != nil))
struct AuditTests {
    private static let worker = WorkerID(rawValue: "worker-1")

    private static func attempt(_ number: Int, _ counter: Int64, by worker: WorkerID = Self.worker) -> Record.Attempt {
        Record.Attempt(
            number: number,
            token: Token(epoch: Epoch(rawValue: 1), counter: counter),
            worker: worker,
            startedAt: Story.time
        )
    }

    @Test("the timeline has a row for every lost attempt, with worker, token and times, and shows the retry")
    func lostAttempts() async throws {
        try await Server.withStore { store, person in
            let epoch = try await store.own()
            let run = Story.run(1)
            let other = WorkerID(rawValue: "worker-2 with a longer name — ü")
            let records: [Record] = [
                .entered(Record.Entry(state: "fan", visit: 2, context: .emptyObject, cause: Self.attempt(1, 1))),
                .attemptsLost(
                    [
                        Record.LostAttempt(path: .branch(0), attempt: Self.attempt(1, 300)),
                        Record.LostAttempt(path: .branch(1), attempt: Self.attempt(1, 301, by: other)),
                        Record.LostAttempt(path: .branch(2), attempt: Record.Attempt(number: 1)),
                        Record.LostAttempt(path: .branch(3), attempt: Record.Attempt(number: 1)),
                    ],
                    .workerGone,
                    retryAt: nil
                ),
                .branchDone(index: 1, .success(.json("{}")), Self.attempt(2, 302)),
                .attemptsLost(
                    [Record.LostAttempt(path: .branch(0), attempt: Self.attempt(2, 303))],
                    .workerGone,
                    retryAt: nil
                ),
            ]
            var batch = Story.start(run, epoch: epoch)
            for (index, record) in records.enumerated() {
                batch.history.append(HistoryRow(record, run: run, seq: index + 2, at: Story.time))
            }
            try await store.write(batch)
            let rows = try await person.rows(
                """
                SELECT seq::text, event, state, left_state, path, attempt::text, worker, token,
                    (started IS NOT NULL)::text, (ended IS NOT NULL)::text
                FROM cano.timeline WHERE run = '\(run)' ORDER BY seq, path
                """
            )
            let worker = Self.worker.rawValue
            #expect(
                rows == [
                    ["1", "started", "work", nil, nil, nil, nil, nil, "false", "false"],
                    ["2", "entered", "fan", "work", nil, "1", worker, "1.1", "true", "true"],
                    ["3", "attemptLost", "fan", nil, "branch/0", "1", worker, "1.300", "true", "true"],
                    ["3", "attemptLost", "fan", nil, "branch/1", "1", other.rawValue, "1.301", "true", "true"],
                    ["3", "attemptLost", "fan", nil, "branch/2", "1", nil, nil, "false", "true"],
                    ["3", "attemptLost", "fan", nil, "branch/3", "1", nil, nil, "false", "true"],
                    ["4", "branchDone", "fan", nil, "branch/1", "2", worker, "1.302", "true", "true"],
                    ["5", "attemptLost", "fan", nil, "branch/0", "2", worker, "1.303", "true", "true"],
                ]
            )
        }
    }

    @Test("the names that views show are those of the engine")
    func names() async throws {
        try await Server.withStore { _, person in
            for kind in HistoryRow.Kind.allCases {
                let name = try await person.value("SELECT cano.kind_name(\(kind.rawValue)::smallint)")
                #expect(name == kind.name)
            }
            for status in RunStatus.allCases {
                let name = try await person.value("SELECT cano.status_name(\(status.rawValue)::smallint)")
                #expect(name == status.name)
            }
        }
    }

    @Test("every column of the views that people read is explained")
    func comments() async throws {
        try await Server.withStore { _, person in
            let silent = try await person.rows(
                """
                SELECT c.relname || '.' || a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
                WHERE c.oid IN ('cano.runs'::regclass, 'cano.timeline'::regclass, 'cano.audit'::regclass)
                    AND a.attnum > 0 AND col_description(c.oid, a.attnum) IS NULL
                """
            )
            #expect(silent.isEmpty, "\(silent)")
            let rows = try await person.rows("SELECT count(*)::text FROM cano.runs")
            #expect(rows == [["0"]])
        }
    }

    @Test("loading a run reads as few pages whether its history has ten rows or twenty thousand")
    func constantLoad() async throws {
        try await Server.withStore { store, person in
            let epoch = try await store.own()
            let (short, long) = (Story.run(1), Story.run(2))
            for (run, count) in [(short, 10), (long, 20_000)] {
                var batch = Story.start(run, epoch: epoch)
                for seq in 2...count {
                    batch.history.append(Story.row(run, seq, seq == 5 || seq == count - 4 ? .sagaPushed : .attemptHeld))
                }
                batch.history.append(Story.row(run, count + 1, .entered))
                try await store.write(batch)
            }
            try await person.run("VACUUM ANALYZE cano.history")
            var pages: [Int] = []
            for run in [short, long] {
                let loaded = try #require(try await store.load(run))
                #expect(loaded.tail.count == 1 && loaded.pushes.map(\.seq) == [5, run == short ? 6 : 19_996])
                // The second time nothing is planned any more.
                for turn in 1...2 {
                    let explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM cano.load_runs('{\(run)}')"
                    let plan = try await person.json(explain)
                    if turn == 2 { pages.append(try #require(plan.pagesRead)) }
                }
            }
            #expect(pages[1] <= pages[0] + 20, "pages read: \(pages)")
        }
    }

    @Test("text with U+0000, which PostgreSQL cannot store, does not fail a commit")
    func nulCharacters() async throws {
        try await Server.withStore { store, _ in
            let epoch = try await store.own()
            var batch = Story.start(Story.run(1), epoch: epoch)
            batch.history[0].detail = "a\u{0}b\u{0}"
            batch.history[0].reason = ""
            batch.history[0].payload = Payload(bytes: [0, 1, 0], type: .binary)
            try await store.write(batch)
            let row = try #require(try await store.history(of: Story.run(1), after: 0, limit: 1).first)
            #expect(row.detail == "a\u{FFFD}b\u{FFFD}")
            #expect(row.reason == "")
            #expect(row.payload == Payload(bytes: [0, 1, 0], type: .binary))
        }
    }

    @Test("a page of thousands of runs, each with its split, comes in one statement and in order")
    func pages() async throws {
        try await Server.withStore { store, _ in
            let epoch = try await store.own()
            var batch = ShardBatch(shard: Story.shard, epoch: epoch)
            for number in 1...3000 {
                let run = Story.run(number)
                batch.start(run)
                for branch in 0..<2 {
                    let record = Record.branchDone(index: branch, .success(.json("\(number)")), Self.attempt(1, 1))
                    batch.history.append(HistoryRow(record, run: run, seq: 2 + branch, at: Story.time))
                }
                let entry = Record.Entry(state: "after", visit: 2, context: .emptyObject, split: 2...3)
                batch.history.append(HistoryRow(.entered(entry), run: run, seq: 4, at: Story.time))
            }
            try await store.write(batch)
            var after: RunID?
            var seen: [RunID] = []
            while true {
                let page = try await store.runnable(
                    in: Story.shard,
                    before: Story.time,
                    waitingOnly: false,
                    after: after,
                    limit: 2000
                )
                if page.isEmpty { break }
                #expect(page.allSatisfy { $0.tail.map(\.seq) == [4] && $0.branches.map(\.seq) == [2, 3] })
                seen += page.map(\.start.run)
                after = page.last?.start.run
            }
            #expect(seen == (1...3000).map { Story.run($0) })
        }
    }
}
