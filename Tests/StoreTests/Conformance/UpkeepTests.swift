// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

private let shard = ShardID(rawValue: 6)

@Suite("Store: upkeep")
struct UpkeepTests {
    private static func days(_ count: Int64) -> Span { .seconds(count * 86_400) }

    private static func key(_ name: String) -> RunKey { RunKey(workflow: "order", key: name) }

    /// A run that was started two months ago and has two records, the second of which ends it if it ended.
    private static func run(
        _ number: UInt64,
        _ now: Instant,
        endedDaysAgo: Int64?,
        into batch: inout ShardBatch
    ) -> RunID {
        let run = RunID(at: now.preceded(by: Self.days(60)), shard: shard, random: (number, number << 8))
        batch.add(Sample.start(run, key: "key \(number)"))
        if let endedDaysAgo {
            let at = now.preceded(by: Self.days(endedDaysAgo))
            batch.history.append(Sample.row(run, 2, .finished))
            batch.finished.append(RunFinish(run: run, status: .succeeded, at: at, note: nil))
        } else {
            batch.history.append(Sample.row(run, 2, .entered))
        }
        return run
    }

    @Test(
        "what ended longer ago than the retention is forgotten with its key, and nothing else",
        arguments: StoreKind.available
    )
    func retention(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            let epoch = try await store.own(shard)
            let now = try await store.now()
            var batch = ShardBatch(shard: shard, epoch: epoch)
            let old = Self.run(1, now, endedDaysAgo: 40, into: &batch)
            let recent = Self.run(2, now, endedDaysAgo: 10, into: &batch)
            let open = Self.run(3, now, endedDaysAgo: nil, into: &batch)
            try await store.write(batch)
            let loaded = try await store.load(open)

            #expect(try await store.keepUp(retention: nil).forgotten == 0)
            #expect(try await store.summary(of: old) != nil)
            #expect(try await store.keepUp(retention: Self.days(30)).forgotten == 1)
            #expect(try await store.summary(of: old) == nil)
            #expect(try await store.history(of: old, after: 0, limit: 9).isEmpty)
            #expect(try await store.run(forKey: Self.key("key 1")) == nil)
            for (run, key) in [(recent, "key 2"), (open, "key 3")] {
                #expect(try await store.summary(of: run) != nil)
                #expect(try await store.history(of: run, after: 0, limit: 9).map(\.seq) == [1, 2])
                #expect(try await store.run(forKey: Self.key(key))?.run == run)
            }
            #expect(try await store.load(open) == loaded)
            #expect(try await store.keepUp(retention: Self.days(30)).forgotten == 0)
        }
    }

    @Test("a freed key can be used again, and the run that has it then keeps it", arguments: StoreKind.available)
    func freedKey(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            let epoch = try await store.own(shard)
            let now = try await store.now()
            var batch = ShardBatch(shard: shard, epoch: epoch)
            _ = Self.run(1, now, endedDaysAgo: 40, into: &batch)
            try await store.write(batch)
            _ = try await store.keepUp(retention: Self.days(30))
            let next = RunID(at: now, shard: shard, random: (9, 9 << 8))
            let answer = try await store.write(.starting(Sample.start(next, key: "key 1"), epoch: epoch))
            #expect(answer.refused.isEmpty)
            _ = try await store.keepUp(retention: Span(milliseconds: 0))
            #expect(try await store.run(forKey: Self.key("key 1"))?.run == next)
        }
    }

    @Test(
        "a run that outlives the retention goes on, ends, and is forgotten in its turn",
        arguments: StoreKind.available
    )
    func longRun(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            let epoch = try await store.own(shard)
            let now = try await store.now()
            var batch = ShardBatch(shard: shard, epoch: epoch)
            let run = Self.run(1, now, endedDaysAgo: nil, into: &batch)
            try await store.write(batch)
            #expect(try await store.keepUp(retention: Self.days(1)).forgotten == 0)
            var end = ShardBatch(shard: shard, epoch: epoch)
            end.history = [Sample.row(run, 3, .finished)]
            end.finished = [RunFinish(run: run, status: .failed, at: now, note: nil)]
            try await store.write(end)
            #expect(try await store.history(of: run, after: 0, limit: 9).map(\.seq) == [1, 2, 3])
            #expect(try await store.keepUp(retention: Self.days(1)).forgotten == 0)
            try await fixture.pass(Span(milliseconds: 20))
            #expect(try await store.keepUp(retention: Span(milliseconds: 5)).forgotten == 1)
            #expect(try await store.summary(of: run) == nil)
        }
    }
}
