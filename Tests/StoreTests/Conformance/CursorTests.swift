// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Stores: cursors that newer ones replace")
struct CursorTests {
    private let shard = ShardID(rawValue: 3)

    private func cursor(_ run: RunID, _ seq: Int, _ kind: HistoryRow.Kind, replaces: Int? = nil) -> HistoryRow {
        var row = Sample.row(run, seq, kind)
        row.split = replaces.map { $0...$0 }
        return row
    }

    @Test("are gone with the commit that replaces them, and no other record ever is", arguments: StoreKind.available)
    func replaced(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(self.shard)
            let run = sample.run(in: self.shard)
            var batch = ShardBatch.starting(Sample.start(run), epoch: epoch)
            batch.history.append(self.cursor(run, 2, .checkpoint))
            batch.history.append(Sample.row(run, 3, .attemptHeld))
            batch.history.append(self.cursor(run, 4, .stepCursor))
            // Both in one commit: the row goes that the same commit wrote.
            batch.history.append(self.cursor(run, 5, .checkpoint, replaces: 4))
            try await store.write(batch)
            var next = ShardBatch(shard: self.shard, epoch: epoch)
            next.history = [
                self.cursor(run, 6, .checkpoint, replaces: 2),
                // Not a cursor: it stays.
                self.cursor(run, 7, .checkpoint, replaces: 3),
            ]
            try await store.write(next)
            let history = try await store.history(of: run, after: 0, limit: 100)
            #expect(history.map(\.seq) == [1, 3, 5, 6, 7])
            #expect(try await store.history(of: run, after: 4, limit: 2).map(\.seq) == [5, 6])
            #expect(try await store.load(run)?.tail.map(\.seq) == [1, 3, 5, 6, 7])
            // The history goes on behind its last record, whatever is missing before it.
            var last = ShardBatch(shard: self.shard, epoch: epoch)
            last.history = [Sample.row(run, 8, .entered)]
            try await store.write(last)
            #expect(try await store.load(run)?.tail.map(\.seq) == [8])
        }
    }
}
