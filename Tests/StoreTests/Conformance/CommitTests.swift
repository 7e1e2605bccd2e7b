// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

private let first = ShardID(rawValue: 0)
private let second = ShardID(rawValue: 1)

@Suite("Store: commits")
struct CommitTests {
    @Test("a stale shard is refused by name and its neighbours are written", arguments: StoreKind.available)
    func fence(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            var sample = Sample()
            let held = try await store.own(first, second)
            let old = try #require(held[first])
            let other = try await fixture.other()
            let claims = [ShardClaim(shard: first, seen: old)]
            let taken = try await other.take(claims, for: Sample.otherHost, ttl: .seconds(60))
            let new = try #require(taken[first])
            let (fenced, neighbour, owners) = (sample.run(in: first), sample.run(in: second), sample.run(in: first))
            let answer = try await store.write(
                .starting(Sample.start(fenced), epoch: old),
                .starting(Sample.start(neighbour), epoch: try #require(held[second]))
            )
            #expect(answer.stale == [first])
            #expect(try await store.summary(of: fenced) == nil)
            #expect(try await store.history(of: fenced, after: 0, limit: 10).isEmpty)
            #expect(try await store.summary(of: neighbour)?.status == .active)
            #expect(try await other.write(.starting(Sample.start(owners), epoch: new)).stale.isEmpty)
            #expect(try await store.load(owners) != nil)
        }
    }

    @Test("an epoch above the stored one is as stale as one below", arguments: StoreKind.available)
    func futureEpoch(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let start = Sample.start(sample.run(in: first))
            let future = Epoch(rawValue: epoch.rawValue + 1)
            #expect(try await store.write(.starting(start, epoch: future)).stale == [first])
            #expect(try await store.load(start.run) == nil)
        }
    }

    @Test("a shard that nobody took refuses every commit", arguments: StoreKind.available)
    func neverTaken(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            for epoch in [0, 1] as [Int64] {
                let batch = ShardBatch.starting(
                    Sample.start(sample.run(in: first)),
                    epoch: Epoch(rawValue: epoch)
                )
                let answer = try await store.write(batch)
                #expect(answer.stale == [first])
            }
            #expect(try await store.summaries(RunQuery()).isEmpty)
        }
    }

    @Test("an empty batch tells whether the epoch still holds", arguments: StoreKind.available)
    func probe(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            let epoch = try await store.own(first)
            let answer = try await store.write(
                ShardBatch(shard: first, epoch: epoch),
                ShardBatch(shard: second, epoch: epoch)
            )
            #expect(answer.stale == [second])
            #expect(answer.refused.isEmpty)
            #expect(try await store.write().stale.isEmpty)
        }
    }

    @Test("every column of every record comes back as it was", arguments: StoreKind.available)
    func lossless(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            var sample = Sample()
            let epoch = try await store.own(first)
            let run = sample.run(in: first)
            var batch = ShardBatch.starting(Sample.start(run), epoch: epoch)
            for kind in HistoryRow.Kind.allCases where kind != .started && kind != .finished {
                batch.history.append(Sample.full(run, batch.history.count + 1, kind))
            }
            for type in [Payload.ContentType.binary, .json, .text] {
                var row = Sample.row(run, batch.history.count + 1, .branchDone)
                row.payload = Payload(bytes: [], type: type)
                row.state = ""
                batch.history.append(row)
            }
            try await store.write(batch)
            let read = try await fixture.other().history(of: run, after: 0, limit: 100)
            #expect(read == batch.history)
        }
    }

    @Test("a large payload comes back whole", arguments: StoreKind.available)
    func largePayload(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            var random = SplitMix64(seed: 3)
            let epoch = try await store.own(first)
            let run = sample.run(in: first)
            var batch = ShardBatch.starting(Sample.start(run), epoch: epoch)
            let bytes = (0..<1_000_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            batch.history[0].payload = Payload(bytes: bytes, type: .binary)
            try await store.write(batch)
            #expect(try await store.load(run)?.tail == batch.history)
        }
    }

    @Test(
        "records that leave a gap or repeat a number are never written; their neighbours are",
        arguments: StoreKind.available,
        [1, 2, 4]
    )
    func dense(kind: StoreKind, seq: Int) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let held = try await store.own(first, second)
            let (run, neighbour) = (sample.run(in: first), sample.run(in: second))
            var batch = ShardBatch.starting(Sample.start(run), epoch: try #require(held[first]))
            batch.history.append(Sample.row(run, 2, .entered))
            try await store.write(batch)
            var wrong = ShardBatch(shard: first, epoch: try #require(held[first]))
            wrong.history.append(Sample.row(run, seq, .entered))
            let answer = try await store.write(
                wrong,
                .starting(Sample.start(neighbour), epoch: try #require(held[second]))
            )
            let contradiction = try #require(answer.contradicted[first])
            #expect(answer.contradicted.count == 1)
            #expect(contradiction.code == (seq == 1 ? .invalidInput : .storeCorrupt))
            #expect(contradiction.message.contains("\(run)"))
            #expect(try await store.history(of: run, after: 0, limit: 10) == batch.history)
            #expect(try await store.summary(of: neighbour)?.status == .active)
        }
    }

    @Test("a key that a refused batch asked for stays free for its neighbours", arguments: StoreKind.available)
    func keyOfRefused(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let held = try await store.own(first, second)
            let (run, neighbour) = (sample.run(in: first), sample.run(in: second))
            var wrong = ShardBatch.starting(Sample.start(run, key: "k"), epoch: try #require(held[first]))
            wrong.updates = [RunUpdate(run: sample.run(in: first), status: .active, wakeAt: nil)]
            let right = ShardBatch.starting(Sample.start(neighbour, key: "k"), epoch: try #require(held[second]))
            let answer = try await store.write(wrong, right)
            #expect(Array(answer.contradicted.keys) == [first])
            #expect(answer.refused.isEmpty)
            #expect(try await store.run(forKey: RunKey(workflow: "order", key: "k"))?.run == neighbour)
            #expect(try await store.summary(of: run) == nil)
        }
    }

    @Test("a commit that names a shard twice is refused whole", arguments: StoreKind.available)
    func shardTwice(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let batches = (0..<2)
                .map { _ in
                    ShardBatch.starting(Sample.start(sample.run(in: first)), epoch: epoch)
                }
            #expect(await store.commit(batches).failure == .invalidInput)
            #expect(try await store.summaries(RunQuery()).isEmpty)
        }
    }

    @Test("a run that ended accepts nothing more", arguments: StoreKind.available)
    func ended(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let run = sample.run(in: first)
            var batch = ShardBatch.starting(Sample.start(run), epoch: epoch)
            batch.finish(run, seq: 2)
            try await store.write(batch)
            let before = try await store.summary(of: run)
            var history = ShardBatch(shard: first, epoch: epoch)
            history.history = [Sample.row(run, 3, .entered)]
            var update = ShardBatch(shard: first, epoch: epoch)
            update.updates = [RunUpdate(run: run, status: .active, wakeAt: nil)]
            var again = ShardBatch(shard: first, epoch: epoch)
            again.finish(run, seq: 3, status: .failed)
            for late in [history, update, again, .starting(Sample.start(run), epoch: epoch)] {
                #expect(await store.commit([late]).failure == .storeCorrupt)
            }
            #expect(try await store.summary(of: run) == before)
            #expect(try await store.history(of: run, after: 0, limit: 10) == batch.history)
            #expect(try await store.load(run) == nil)
        }
    }

    @Test("an update or an end of a run that is not there fails", arguments: StoreKind.available)
    func unknownRun(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let run = sample.run(in: first)
            var update = ShardBatch(shard: first, epoch: epoch)
            update.updates = [RunUpdate(run: run, status: .active, wakeAt: nil)]
            #expect(await store.commit([update]).failure == .storeCorrupt)
            var finish = ShardBatch(shard: first, epoch: epoch)
            finish.finish(run, seq: 2)
            #expect(await store.commit([finish]).failure == .storeCorrupt)
        }
    }

    @Test("a batch that contradicts itself is refused before the store is asked", arguments: StoreKind.available)
    func contradictions(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let (run, foreign) = (sample.run(in: first), sample.run(in: second))
            let good = ShardBatch.starting(Sample.start(run), epoch: epoch)
            var wrong = [ShardBatch](repeating: good, count: 8)
            wrong[0].history.append(Sample.row(foreign, 2, .entered))
            wrong[1].history.append(Sample.row(run, 3, .entered))
            wrong[2].history = []
            wrong[3].starts = []
            wrong[4].finish(run, seq: 2, status: .active)
            wrong[5].updates.append(RunUpdate(run: run, status: .failed, wakeAt: nil))
            wrong[6].history.append(Sample.row(run, 2, .finished))
            wrong[7].add(Sample.start(run))
            for batch in wrong { #expect(await store.commit([batch]).failure == .invalidInput) }
            #expect(try await store.summaries(RunQuery()).isEmpty)
            #expect(await store.commit([good]).failure == nil)
        }
    }

    @Test("many writers at once each get their own answer", arguments: StoreKind.available)
    func concurrent(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            let other = try await fixture.other()
            let held = try await store.own(ShardID.all, as: Sample.host)
            var sample = Sample()
            let starts = ShardID.all.map { Sample.start(sample.run(in: $0)) }
            let outcomes = await withTaskGroup(of: (ShardID, CommitOutcome).self) { group in
                for (index, start) in starts.enumerated() {
                    let shard = start.run.shard
                    let epoch = index % 4 == 3 ? Epoch(rawValue: 77) : held[shard] ?? Epoch(rawValue: 0)
                    var batch = ShardBatch.starting(start, epoch: epoch)
                    if index % 4 == 2 { batch.history.append(Sample.row(start.run, 9, .entered)) }
                    let writer = index % 2 == 0 ? store : other
                    let batches = [batch]
                    group.addTask { (shard, await writer.commit(batches)) }
                }
                return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            for (index, start) in starts.enumerated() {
                let outcome = try #require(outcomes[start.run.shard])
                let isWritten = try await store.load(start.run) != nil
                switch index % 4 {
                case 2: #expect(outcome.failure == .invalidInput && !isWritten)
                case 3: #expect(outcome.answer?.stale == [start.run.shard] && !isWritten)
                default: #expect(outcome.answer?.stale == [] && isWritten)
                }
            }
        }
    }

    @Test("a commit that fails does not fail those that arrived with it", arguments: StoreKind.available)
    func neighbours(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            let held = try await store.own(ShardID.all, as: Sample.host)
            var sample = Sample()
            var batches: [ShardBatch] = []
            for shard in ShardID.all {
                let run = sample.run(in: shard)
                var batch = ShardBatch.starting(Sample.start(run), epoch: held[shard] ?? Epoch(rawValue: 0))
                if shard.rawValue % 8 == 5 {
                    batch = ShardBatch(shard: shard, epoch: batch.epoch)
                    batch.history = [Sample.row(run, 2, .entered)]
                }
                batches.append(batch)
            }
            await withTaskGroup(of: (ShardID, CommitOutcome).self) { group in
                for batch in batches { group.addTask { (batch.shard, await store.commit([batch])) } }
                for await (shard, outcome) in group {
                    #expect(outcome.failure == (shard.rawValue % 8 == 5 ? .storeCorrupt : nil), "shard \(shard)")
                }
            }
            #expect(try await store.summaries(RunQuery { $0.limit = 100 }).count == 56)
        }
    }
}
