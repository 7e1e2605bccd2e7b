// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import CanoSQLite
import Foundation
import GRDB
import Testing

private let shard = ShardID(rawValue: 5)

/// What reading costs, in SQLite's own plans and instructions: measures that no clock disturbs.
@Suite("SQLite store: how it reads")
struct SQLiteReadingTests {
    @Test("a sweep that finds nothing costs the same however many runs wait")
    func sweep() async throws {
        try await SQLiteFixture.withFolder { folder in
            let store = try await SQLiteFixture.open(folder + "/cano.db")
            let epoch = try await store.own(shard)
            var sample = Sample()
            var steps: [Int] = []
            let later = Sample.time.advanced(by: .seconds(3600))
            for count in [10, 5000] {
                var batch = ShardBatch(shard: shard, epoch: epoch)
                for _ in 0..<count {
                    batch.add(Sample.start(sample.run(in: shard), status: .waiting, wakeAt: later))
                }
                try await store.write(batch)
                steps.append(try await store.stepsToSweep(shard, before: Sample.time))
            }
            #expect(steps[0] > 0)
            #expect(steps[0] == steps[1])
            await store.close()
        }
    }

    @Test("the timeline of one run reads no other run's history")
    func timelineOfOne() async throws {
        try await SQLiteFixture.withFolder { folder in
            let path = folder + "/cano.db"
            let store = try await SQLiteFixture.open(path)
            let epoch = try await store.own(shard)
            var sample = Sample()
            let runs = (0..<3).map { _ in sample.run(in: shard) }
            var batch = ShardBatch(shard: shard, epoch: epoch)
            for run in runs {
                batch.add(Sample.start(run))
                batch.history.append(Sample.row(run, 2, .entered))
            }
            batch.finish(runs[2], seq: 3)
            try await store.write(batch)
            let queue = try DatabaseQueue(path: path)
            try await queue.read { database in
                for (run, count) in zip(runs, [2, 2, 3]) {
                    let question = "SELECT seq FROM cano_timeline WHERE run = '\(run)' ORDER BY seq"
                    #expect(try Int.fetchAll(database, sql: question) == Array(1...count))
                    let plan = try Row.fetchAll(database, sql: "EXPLAIN QUERY PLAN " + question)
                        .map { $0["detail"] as String }
                    #expect(plan.contains { $0.hasPrefix("SEARCH history") && $0.hasSuffix("(run=?)") }, "\(plan)")
                    #expect(!plan.contains { $0.hasPrefix("SCAN history") }, "\(plan)")
                }
            }
            try queue.close()
            await store.close()
        }
    }

    @Test("mail that only a newer version knows stays where it is, and hides no other")
    func newerMail() async throws {
        try await SQLiteFixture.withFolder { folder in
            let path = folder + "/cano.db"
            let store = try await SQLiteFixture.open(path)
            let queue = try DatabaseQueue(path: path)
            try await queue.write {
                try $0.execute(sql: "INSERT INTO inbox (shard, kind, run, actor) VALUES (5, 99, NULL, NULL)")
            }
            try queue.close()
            var sample = Sample()
            let letter = Mail(to: shard, .cancel(sample.run(in: shard), by: "me"))
            try await store.post([letter])
            #expect(try await store.mail(for: [shard], limit: 9).map(\.mail) == [letter])
            await store.close()
        }
    }

    @Test("whoever opens the file finds every lease over, for its holder is dead; its name and the epochs stay")
    func freeAfterOpening() async throws {
        try await SQLiteFixture.withFolder { folder in
            let path = folder + "/cano.db"
            let store = try await SQLiteFixture.open(path)
            let epoch = try await store.own(shard)
            await store.close()
            let again = try await SQLiteFixture.open(path)
            let lease = try #require(try await again.shards().first { $0.shard == shard })
            let over = ShardLease(shard: shard, epoch: epoch, holder: Sample.host, remaining: Span(milliseconds: 0))
            #expect(lease == over)
            let renewed = try await again.renew([shard: epoch], for: Sample.host, ttl: .seconds(60))
            #expect(renewed.isEmpty, "a lease that is over is not prolonged")
            let claim = ShardClaim(shard: shard, seen: epoch)
            let taken = try await again.take([claim], for: Sample.otherHost, ttl: .seconds(60))
            #expect(taken == [shard: Epoch(rawValue: epoch.rawValue + 1)])
            await again.close()
        }
    }
}
