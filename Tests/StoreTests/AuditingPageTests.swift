// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import CanoPostgres
import CanoSQLite
import Foundation
import Testing

/// The page and the script that answers its questions are for people in a hurry: what stands there must work.
@Suite("Auditing page")
struct AuditingPageTests {
    @Test("every question is answered from a SQLite file that is in use")
    func sqlite() async throws {
        try await SQLiteFixture.withFolder { folder in
            let path = folder + "/cano.db"
            let store = try await SQLiteStore.open(path: path)
            let run = try await Self.tell(store)
            let answers = try Self.audit(path, run)
            await store.close()
            Self.expect(answers, for: run)
        }
    }

    @Test("every question is answered from PostgreSQL", .enabled(if: PostgresFixture.baseURI != nil))
    func postgres() async throws {
        try await PostgresFixture.withDatabase { uri in
            let store = try await PostgresStore.open(uri)
            let run = try await Self.tell(store)
            let answers = try Self.audit(uri, run)
            await store.close()
            Self.expect(answers, for: run)
        }
    }

    /// A run that failed and was undone, after a worker was lost.
    static func tell(_ store: any RunStore) async throws -> RunID {
        let shard = ShardID(rawValue: 3)
        let epoch = try await store.own(shard)
        var sample = Sample()
        let run = sample.run(in: shard)
        var batch = ShardBatch.starting(Sample.start(run, workflow: "licence-audit"), epoch: epoch)
        func add(_ kind: HistoryRow.Kind, _ path: WorkPath?, _ change: (inout HistoryRow) -> Void = { _ in }) {
            var row = Sample.row(run, batch.history.count + 1, kind)
            row.path = path?.description
            if path != nil {
                row.attempt = 1
                row.token = Token(epoch: epoch, counter: Int64(row.seq))
                row.worker = "worker-1"
                row.startedAt = Sample.time
            }
            change(&row)
            batch.history.append(row)
        }
        add(.entered, .step) { $0.state = "count" }
        // The stored form of JSON items begins like that of lost attempts, which PostgreSQL's view reads.
        let items = PayloadList.encode([.json("\"a\""), .json("{\"b\": 2}")])
        add(.expanded, .expand) { $0.payload = Payload(bytes: items, type: .binary) }
        add(.attemptLost, .branch(0)) { $0.reason = "workerGone" }
        add(.branchDone, .branch(0)) { $0.attempt = 2 }
        add(.sagaPushed, nil)
        add(.compensating, nil)
        add(.compensated, .undo(seq: 6)) { $0.number = 6 }
        batch.finish(run, seq: batch.history.count + 1, status: .failed)
        batch.audit = [AuditEntry(at: Sample.time, actor: "ada", via: "cli", action: "start", target: "\(run)")]
        try await store.write(batch)
        return run
    }

    /// What `scripts/audit` prints about a run.
    static func audit(_ store: String, _ run: RunID) throws -> String {
        let root = URL(filePath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let process = Process()
        process.executableURL = root.appending(path: "scripts/audit")
        process.arguments = [store, "\(run)"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw TestFailure(text) }
        return text
    }

    /// All ten questions, and in the answers what the run left behind.
    static func expect(_ answers: String, for run: RunID) {
        let sections = answers.split(separator: "\n").filter { $0.wholeMatch(of: /[0-9]+\. .*\?/) != nil }
        #expect(sections.count == 10)
        for word in ["attemptLost", "workerGone", "worker-1", "branch/0", "undo/6", "compensated", "ada"] {
            #expect(answers.contains(word), "no \(word) in the answers")
        }
        let twice = answers.split(separator: "\n").drop { !$0.hasPrefix("9. ") }.prefix { !$0.hasPrefix("10. ") }
        #expect(!twice.contains { $0.contains("\(run)") }, "accepted twice: \(twice)")
    }
}
