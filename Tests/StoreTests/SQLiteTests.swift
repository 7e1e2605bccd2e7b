// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import CanoSQLite
import Foundation
import GRDB
import Testing

private let shard = ShardID(rawValue: 5)

@Suite("SQLite store: its file")
struct SQLiteTests {
    @Test("what was written is there after closing and opening again")
    func reopen() async throws {
        try await SQLiteFixture.withFolder { folder in
            let path = folder + "/deep/er/cano.db"
            var sample = Sample()
            let store = try await SQLiteFixture.open(path)
            let epoch = try await store.own(shard)
            let (going, over) = (sample.run(in: shard), sample.run(in: shard))
            var batch = ShardBatch.starting(Sample.start(going, key: "k"), epoch: epoch)
            batch.add(Sample.start(over))
            batch.finish(over, seq: 2)
            try await store.write(batch)
            let before = try await store.load(going)
            await store.close()

            let again = try await SQLiteFixture.open(path)
            #expect(try await again.load(going) == before)
            #expect(try await again.summary(of: over)?.status == .succeeded)
            #expect(try await again.shards().first { $0.shard == shard }?.epoch == epoch)
            #expect(try await again.run(forKey: RunKey(workflow: "order", key: "k"))?.run == going)
            await again.close()
        }
    }

    @Test("what was answered survives a crash: the files as they are then open with all of it")
    func crash() async throws {
        try await SQLiteFixture.withFolder { folder in
            var sample = Sample()
            let store = try await SQLiteStore.open(path: folder + "/cano.db")
            let epoch = try await store.own(shard)
            let runs = (0..<3).map { _ in sample.run(in: shard) }
            for run in runs { try await store.write(.starting(Sample.start(run), epoch: epoch)) }
            let copy = folder + "/copy"
            try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
            for file in ["/cano.db", "/cano.db-wal"] {
                try FileManager.default.copyItem(atPath: folder + file, toPath: copy + file)
            }
            await store.close()
            let again = try await SQLiteStore.open(path: copy + "/cano.db")
            #expect(try await again.summaries(RunQuery()).map(\.run) == runs.reversed())
            #expect(try await again.setting("integrity_check") == "ok")
            await again.close()
        }
    }

    @Test("a file in use is refused, naming it and its holder, and is free after closing")
    func busy() async throws {
        try await SQLiteFixture.withFolder { folder in
            let path = folder + "/cano.db"
            let store = try await SQLiteFixture.open(path)
            let error = await #expect(throws: CanoError.self) { try await SQLiteFixture.open(path) }
            #expect(error?.code == .storeBusy)
            let message = try #require(error?.message)
            #expect(message.contains(path) && message.contains("pid \(ProcessInfo.processInfo.processIdentifier)"))
            #expect(!message.contains("\n"))
            #expect(try await store.shards().count == ShardID.count)
            await store.close()
            try await SQLiteFixture.open(path).close()
        }
    }

    @Test("a file in use is refused by its other name, too")
    func link() async throws {
        try await SQLiteFixture.withFolder { folder in
            let store = try await SQLiteFixture.open(folder + "/cano.db")
            let link = folder + "/link.db"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder + "/cano.db")
            let error = await #expect(throws: CanoError.self) { try await SQLiteFixture.open(link) }
            #expect(error?.code == .storeBusy)
            await store.close()
        }
    }

    @Test("another process that holds the file is named by its pid")
    func otherProcess() async throws {
        try await SQLiteFixture.withFolder { folder in
            let path = folder + "/cano.db"
            try await SQLiteFixture.open(path).close()
            let holder = Process()
            let output = Pipe()
            holder.executableURL = URL(fileURLWithPath: "/bin/sh")
            let script = "exec 9>>$0; flock -x 9; echo $$ > $0; echo held; exec sleep 600"
            holder.arguments = ["-c", script, path + ".lock"]
            holder.standardOutput = output
            try holder.run()
            defer {
                holder.terminate()
                holder.waitUntilExit()
            }
            #expect(output.fileHandleForReading.availableData == Data("held\n".utf8))
            let error = await #expect(throws: CanoError.self) { try await SQLiteFixture.open(path) }
            #expect(error?.code == .storeBusy)
            #expect(try #require(error?.message).contains("pid \(holder.processIdentifier)"))
        }
    }

    @Test("a newer schema is refused, naming both versions, and stays as it is")
    func newer() async throws {
        try await SQLiteFixture.withFolder { folder in
            let path = folder + "/cano.db"
            try await SQLiteFixture.open(path).close()
            let queue = try DatabaseQueue(path: path)
            try await queue.write { try $0.execute(sql: "PRAGMA user_version = 99") }
            try queue.close()
            let error = await #expect(throws: CanoError.self) { try await SQLiteFixture.open(path) }
            #expect(error?.code == .schemaTooNew)
            let message = try #require(error?.message)
            #expect(message.contains(path) && message.contains("99") && message.contains("up to 3"))
            // The refused file is not kept locked.
            let second = await #expect(throws: CanoError.self) { try await SQLiteFixture.open(path) }
            #expect(second?.code == .schemaTooNew)
        }
    }

    @Test("a file that is no database of ours is refused and stays as it is")
    func garbage() async throws {
        try await SQLiteFixture.withFolder { folder in
            let path = folder + "/cano.db"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let garbage = Data("This is a letter to my aunt, and by no means a database.\n".utf8)
            try garbage.write(to: URL(fileURLWithPath: path))
            let error = await #expect(throws: CanoError.self) { try await SQLiteFixture.open(path) }
            #expect(error?.code == .storeCorrupt)
            #expect(try #require(error?.message).contains(path))
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == garbage)

            let other = folder + "/other.db"
            let queue = try DatabaseQueue(path: other)
            try await queue.write { try $0.execute(sql: "CREATE TABLE recipe (name TEXT)") }
            try queue.close()
            let foreign = await #expect(throws: CanoError.self) { try await SQLiteStore.open(path: other) }
            #expect(foreign?.code == .storeCorrupt)
            #expect(try #require(foreign?.message).contains("another program"))
        }
    }

    @Test("a path that cannot be written is refused with the reason")
    func unwritable() async throws {
        try await SQLiteFixture.withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder + "/cano.db", withIntermediateDirectories: true)
            let paths = [folder + "/cano.db", "/proc/no/such/cano.db"]
            for path in paths {
                let error = await #expect(throws: CanoError.self) { try await SQLiteFixture.open(path) }
                #expect(error?.code == .storeUnavailable)
                #expect(try #require(error?.message).contains(path.prefix(8)))
            }
        }
    }

    @Test("the file is for its owner alone, and commits are synced")
    func settings() async throws {
        try await SQLiteFixture.withFolder { folder in
            let path = folder + "/new/cano.db"
            let store = try await SQLiteFixture.open(path)
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let folderMode = try FileManager.default.attributesOfItem(atPath: folder + "/new")[.posixPermissions]
            #expect(folderMode as? Int == 0o700)
            #expect(try await store.setting("journal_mode") == "wal")
            #expect(try await store.setting("synchronous") == "2")
            await store.close()
        }
    }

    @Test("L-CKPT-08: commits that wait for the file hold up no Swift task, or this one would not let them go on")
    func waitingCommits() async throws {
        try await SQLiteFixture.withFolder { folder in
            let path = folder + "/cano.db"
            let store = try await SQLiteFixture.open(path)
            let epoch = try await store.own(shard)
            var sample = Sample()
            let batches = (0..<50).map { _ in ShardBatch.starting(Sample.start(sample.run(in: shard)), epoch: epoch) }
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            let other = try DatabaseQueue(path: path, configuration: configuration)
            try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
            let outcomes = try await withThrowingTaskGroup(of: CommitOutcome.self) { group in
                for batch in batches { group.addTask { await store.commit([batch]) } }
                try await Task.sleep(for: .milliseconds(50))
                try await other.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
                var outcomes: [CommitOutcome] = []
                for try await outcome in group { outcomes.append(outcome) }
                return outcomes
            }
            #expect(outcomes.count == 50)
            #expect(outcomes.allSatisfy { $0.answer != nil })
            try other.close()
            await store.close()
        }
    }

    @Test("a closed store answers with an error")
    func closed() async throws {
        try await SQLiteFixture.withFolder { folder in
            let store = try await SQLiteFixture.open(folder + "/cano.db")
            await store.close()
            await #expect(throws: CanoError.self) { try await store.shards() }
            await #expect(throws: CanoError.self) { try await store.post([]) }
            #expect(await store.commit([ShardBatch(shard: shard, epoch: Epoch(rawValue: 1))]).failure != nil)
            await store.close()
        }
    }

    @Test("loading a run costs the same however long its history is")
    func constantLoad() async throws {
        try await SQLiteFixture.withFolder { folder in
            let path = folder + "/cano.db"
            let store = try await SQLiteFixture.open(path)
            let epoch = try await store.own(shard)
            var sample = Sample()
            var steps: [Int] = []
            for length in [100, 100_000] {
                let run = sample.run(in: shard)
                var batch = ShardBatch.starting(Sample.start(run), epoch: epoch)
                for seq in 2...length {
                    let kind: HistoryRow.Kind = seq == 10 ? .sagaPushed : seq % 5 == 0 ? .entered : .attemptFailed
                    batch.history.append(Sample.row(run, seq, kind))
                }
                batch.history.append(Sample.row(run, length + 1, .attemptHeld))
                try await store.write(batch)
                let loaded = try #require(try await store.load(run))
                #expect(loaded.tail.map(\.seq) == [length, length + 1])
                #expect(loaded.pushes.map(\.seq) == [10])
                steps.append(try await store.stepsToLoad(run))
            }
            #expect(steps[0] > 0)
            #expect(steps[0] == steps[1])
            await store.close()
        }
    }

    @Test("the views show ids, kinds, tokens and times as text")
    func views() async throws {
        try await SQLiteFixture.withFolder { folder in
            let path = folder + "/cano.db"
            let store = try await SQLiteFixture.open(path)
            let epoch = try await store.own(shard)
            var sample = Sample()
            let run = sample.run(in: shard)
            var batch = ShardBatch.starting(Sample.start(run), epoch: epoch)
            for kind in HistoryRow.Kind.allCases where kind != .started && kind != .finished {
                batch.history.append(Sample.full(run, batch.history.count + 1, kind))
            }
            batch.finish(run, seq: batch.history.count + 1, status: .timedOut)
            try await store.write(batch)
            let queue = try DatabaseQueue(path: path)
            let (runs, timeline) = try await queue.read { database in
                (
                    try String.fetchAll(database, sql: "SELECT run || ' ' || status || ' ' || started FROM cano_runs"),
                    try String.fetchAll(
                        database,
                        sql: """
                            SELECT run || ' ' || event || ' ' || at || ' ' || coalesce(token, '')
                            FROM cano_timeline ORDER BY seq
                            """
                    )
                )
            }
            #expect(runs == ["\(run) timedOut 2027-01-15T08:00:00.123456Z"])
            let expected = batch.history.map { row in
                let at = String(row.seq + 123).suffix(3)
                return "\(run) \(row.kind.name) 2027-01-15T08:00:00.\(at)456Z \(row.token?.description ?? "")"
            }
            #expect(timeline == expected)
            try queue.close()
            await store.close()
        }
    }
}
