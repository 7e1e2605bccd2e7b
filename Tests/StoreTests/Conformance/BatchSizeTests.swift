// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

private let first = ShardID(rawValue: 3)
private let second = ShardID(rawValue: 4)

@Suite("Store: commits of any number of records")
struct BatchSizeTests {
    @Test(
        "records come back as they were, however many a batch has and however large they are",
        arguments: StoreKind.available
    )
    func sizes(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            for count in 1...20 {
                let run = sample.run(in: first)
                var batch = ShardBatch.starting(Sample.start(run), epoch: epoch)
                for seq in 1...count {
                    var row = Sample.full(run, seq + 1, .entered)
                    row.detail = String(repeating: "d", count: seq * 37)
                    row.worker = seq.isMultiple(of: 3) ? nil : ""
                    row.payload = Payload(
                        bytes: Array(repeating: UInt8(seq), count: seq * 1_511 % 6_007),
                        type: .binary
                    )
                    batch.history.append(row)
                }
                try await store.write(batch)
                #expect(try await store.history(of: run, after: 0, limit: 100) == batch.history, "\(count)")
            }
        }
    }

    @Test(
        "of many records the one that is there already is to blame, wherever it stands, and what follows is written",
        arguments: StoreKind.available
    )
    func repeated(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let held = try await store.own(first, second)
            let (mine, theirs) = (try #require(held[first]), try #require(held[second]))
            for before in 0...9 {
                let (good, wrong) = (sample.run(in: first), sample.run(in: first))
                let neighbour = sample.run(in: second)
                var stored = ShardBatch(shard: first, epoch: mine)
                for run in [good, wrong] {
                    stored.add(Sample.start(run))
                    stored.history += (2...4).map { Sample.full(run, $0, .entered) }
                }
                try await store.write(stored)

                var batch = ShardBatch(shard: first, epoch: mine)
                batch.history = (0..<before).map { Sample.full(good, 5 + $0, .entered) }
                batch.history += (2...6).map { Sample.full(wrong, $0, .entered) }
                let answer = try await store.write(batch, .starting(Sample.start(neighbour), epoch: theirs))
                let contradiction = try #require(answer.contradicted[first])
                #expect(contradiction.code == .storeCorrupt)
                let name = kind == .postgres ? "=(\(wrong), 2)" : "record 2 of run \(wrong)"
                #expect(contradiction.message.contains(name), "\(contradiction.message)")
                #expect(try await store.summary(of: neighbour)?.status == .active)

                batch.history.removeLast(5)
                batch.history += (5...7).map { Sample.full(wrong, $0, .entered) }
                try await store.write(batch)
                for run in [good, wrong] {
                    let all = (stored.history + batch.history).filter { $0.run == run }
                    #expect(try await store.history(of: run, after: 0, limit: 100) == all, "\(before)")
                }
            }
        }
    }
}
