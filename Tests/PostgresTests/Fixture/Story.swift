// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// What tests write.
enum Story {
    static let host = HostID(rawValue: "host-a")
    static let otherHost = HostID(rawValue: "host-b")
    static let time = Instant(microseconds: 1_800_000_000_123_456)
    static let shard = ShardID(rawValue: 7)

    static func run(_ number: Int, in shard: ShardID = Story.shard) -> RunID {
        let at = Instant(microseconds: Story.time.microseconds + Int64(number) * 1000)
        return RunID(at: at, shard: shard, random: (UInt64(number), UInt64(number) << 8))
    }

    static func row(_ run: RunID, _ seq: Int, _ kind: HistoryRow.Kind) -> HistoryRow {
        var row = HistoryRow(run: run, seq: seq, kind: kind, at: Story.time)
        if kind == .started || kind == .entered {
            row.state = "work"
            row.visit = seq
            row.payload = .emptyObject
        }
        return row
    }

    /// Starts a run with its first record.
    static func start(_ run: RunID, key: String? = nil, epoch: Epoch) -> ShardBatch {
        var batch = ShardBatch(shard: run.shard, epoch: epoch)
        batch.start(run, key: key)
        return batch
    }
}

extension ShardBatch {
    mutating func start(_ run: RunID, key: String? = nil) {
        self.starts.append(
            RunStart(
                run: run,
                definition: DefinitionKey(name: "order", version: 1),
                key: key,
                inputHash: 5,
                seed: 9,
                at: Story.time,
                deadline: nil,
                status: .active,
                wakeAt: nil
            )
        )
        self.history.append(Story.row(run, 1, .started))
    }

    mutating func finish(_ run: RunID, seq: Int) {
        self.history.append(Story.row(run, seq, .finished))
        self.finished.append(RunFinish(run: run, status: .succeeded, at: Story.time, note: nil))
    }
}

extension RunStore {
    /// Takes a shard from the epoch that it has now.
    func own(_ shard: ShardID = Story.shard, as host: HostID = Story.host) async throws -> Epoch {
        let seen = try await self.shards().first { $0.shard == shard }?.epoch ?? Epoch(rawValue: 0)
        let taken = try await self.take([ShardClaim(shard: shard, seen: seen)], for: host, ttl: .seconds(30))
        guard let epoch = taken[shard] else { throw Failure("shard \(shard.rawValue) was not taken") }
        return epoch
    }

    /// Commits what must be written.
    @discardableResult
    func write(_ batches: ShardBatch...) async throws -> CommitAnswer {
        let outcome = await self.commit(batches)
        guard case .answered(let answer) = outcome, answer.stale.isEmpty else { throw Failure("\(outcome)") }
        return answer
    }
}
