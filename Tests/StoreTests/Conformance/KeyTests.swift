// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

private let first = ShardID(rawValue: 0)
private let second = ShardID(rawValue: 1)

@Suite("Store: keys of runs")
struct KeyTests {
    @Test("a key that is taken refuses the start with all that belongs to it", arguments: StoreKind.available)
    func taken(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            var sample = Sample()
            let held = try await store.own(first, second)
            let (owner, late, keyless) = (sample.run(in: first), sample.run(in: second), sample.run(in: second))
            try await store.write(
                .starting(Sample.start(owner, key: "k", hash: -5), epoch: try #require(held[first]))
            )
            var batch = ShardBatch.starting(
                Sample.start(late, key: "k", hash: 6),
                epoch: try #require(held[second])
            )
            batch.history.append(Sample.row(late, 2, .entered))
            batch.updates.append(RunUpdate(run: late, status: .waiting, wakeAt: Sample.time))
            batch.finish(late, seq: 3)
            batch.add(Sample.start(keyless))
            batch.mail.append(Mail(to: first, .cancel(owner, by: "somebody")))
            let answer = try await fixture.other().write(batch)
            #expect(answer.refused == [late: KeyedRun(run: owner, inputHash: -5)])
            #expect(answer.stale.isEmpty)
            #expect(try await store.summary(of: late) == nil)
            #expect(try await store.history(of: late, after: 0, limit: 10).isEmpty)
            #expect(try await store.load(keyless) != nil)
            #expect(try await store.mail(for: [first], limit: 10).count == 1)
            #expect(try await store.run(forKey: RunKey(workflow: "order", key: "k"))?.run == owner)
        }
    }

    @Test("of two starts with one key in one commit the first batch wins", arguments: StoreKind.available)
    func sameCommit(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let held = try await store.own(first, second)
            let runs = [sample.run(in: second), sample.run(in: first), sample.run(in: second)]
            var batch = ShardBatch.starting(Sample.start(runs[0], key: "k", hash: 1), epoch: try #require(held[second]))
            batch.add(Sample.start(runs[2], key: "k", hash: 3))
            let answer = try await store.write(
                batch,
                .starting(Sample.start(runs[1], key: "k", hash: 2), epoch: try #require(held[first]))
            )
            let winner = KeyedRun(run: runs[0], inputHash: 1)
            #expect(answer.refused == [runs[1]: winner, runs[2]: winner])
            #expect(try await store.summaries(RunQuery()).map(\.run) == [runs[0]])
        }
    }

    @Test("a stale batch claims no key", arguments: StoreKind.available)
    func staleClaimsNothing(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let (lost, winner) = (sample.run(in: second), sample.run(in: first))
            let answer = try await store.write(
                .starting(Sample.start(lost, key: "k"), epoch: epoch),
                .starting(Sample.start(winner, key: "k"), epoch: epoch)
            )
            #expect(answer.stale == [second])
            #expect(answer.refused.isEmpty)
            #expect(try await store.run(forKey: RunKey(workflow: "order", key: "k"))?.run == winner)
        }
    }

    @Test("a key belongs to its workflow and to its run also after the end", arguments: StoreKind.available)
    func scope(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let runs = [sample.run(in: first), sample.run(in: first), sample.run(in: first)]
            var batch = ShardBatch.starting(Sample.start(runs[0], key: "k", hash: 9), epoch: epoch)
            batch.add(Sample.start(runs[1], key: "k", workflow: "other"))
            batch.finish(runs[0], seq: 2)
            #expect(try await store.write(batch).refused.isEmpty)
            let again = try await store.write(.starting(Sample.start(runs[2], key: "k"), epoch: epoch))
            let owner = KeyedRun(run: runs[0], inputHash: 9)
            #expect(again.refused == [runs[2]: owner])
            #expect(try await store.run(forKey: RunKey(workflow: "order", key: "k")) == owner)
            #expect(try await store.run(forKey: RunKey(workflow: "other", key: "k"))?.run == runs[1])
            #expect(try await store.run(forKey: RunKey(workflow: "order", key: "K")) == nil)
        }
    }

    @Test("many hosts that start with one key make one run", arguments: StoreKind.available)
    func race(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            let other = try await fixture.other()
            let held = try await store.own(ShardID.all, as: Sample.host)
            var sample = Sample()
            let batches = ShardID.all.map { shard in
                let start = Sample.start(sample.run(in: shard), key: "k", hash: Int64(shard.rawValue))
                return ShardBatch.starting(start, epoch: held[shard] ?? Epoch(rawValue: 0))
            }
            let refused = await withTaskGroup(of: CommitOutcome.self) { group in
                for batch in batches {
                    let writer = batch.shard.rawValue % 2 == 0 ? store : other
                    group.addTask { await writer.commit([batch]) }
                }
                return await group.reduce(into: [RunID: KeyedRun]()) { all, outcome in
                    all.merge(outcome.answer?.refused ?? [:]) { $1 }
                }
            }
            let owner = try #require(try await store.run(forKey: RunKey(workflow: "order", key: "k")))
            #expect(owner.inputHash == Int64(owner.run.shard.rawValue))
            #expect(refused.count == ShardID.count - 1)
            #expect(refused.values.allSatisfy { $0 == owner })
            #expect(try await store.summaries(RunQuery()).map(\.run) == [owner.run])
        }
    }

    @Test("the note of a start that found a run by its key names that run", arguments: StoreKind.available)
    func audit(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(ShardID(rawValue: 0))
            let runs = (0..<2).map { _ in sample.run(in: ShardID(rawValue: 0)) }
            for run in runs {
                var batch = ShardBatch.starting(Sample.start(run, key: "k"), epoch: epoch)
                batch.audit = [
                    AuditEntry(at: Sample.time, actor: "ann", via: "cli", action: "start", target: "\(run)"),
                    AuditEntry(
                        at: Sample.time,
                        actor: "ann",
                        via: "cli",
                        action: "apply",
                        target: "order@3",
                        after: "d"
                    ),
                ]
                try await store.write(batch)
            }
            let notes = try await store.audit(limit: 10)
            #expect(notes.map(\.target) == ["order@3", "\(runs[0])", "order@3", "\(runs[0])"])
            #expect(notes.map(\.after) == ["d", AuditEntry.foundByKey, "d", nil])
        }
    }
}
