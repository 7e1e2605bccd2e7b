// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Logging
import Testing

@testable import Cano

@Suite("Upkeep of the store")
struct UpkeepTests {
    @Test("the owner lets the store forget what is over, again and again")
    func forget() async throws {
        let store = MemoryStore(clock: { TestClock.now() })
        var configuration = HostConfiguration(me: HostID(rawValue: "keeper"))
        configuration.retention = Span(milliseconds: 1)
        configuration.upkeepPause = Span(milliseconds: 5)
        let host = try await EngineHost(store: store, configuration: configuration, logger: Logger(label: "test"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await host.run() }
            try await host.waitUntilOwner()
            let epoch = try #require(host.owned[Self.shard])
            for number in 1...2 as ClosedRange<UInt64> {
                let run = RunID(at: TestClock.now(), shard: Self.shard, random: (number, number))
                let outcome = await store.commit([Self.brief(run, epoch)])
                guard case .answered(let answer) = outcome else { throw CanoError(.storeCorrupt, "\(outcome)") }
                #expect(answer.stale.isEmpty && answer.contradicted.isEmpty)
                while await store.summary(of: run) != nil { try await Task.sleep(for: .milliseconds(2)) }
            }
            group.cancelAll()
        }
    }

    private static let shard = ShardID(rawValue: 9)

    /// A run that begins and ends at once.
    private static func brief(_ run: RunID, _ epoch: Epoch) -> ShardBatch {
        let at = TestClock.now()
        var batch = ShardBatch(shard: Self.shard, epoch: epoch)
        batch.starts = [
            RunStart(
                run: run,
                definition: DefinitionKey(name: "w", version: 1),
                key: nil,
                inputHash: 0,
                seed: 0,
                at: at,
                deadline: nil,
                status: .active,
                wakeAt: nil
            )
        ]
        batch.history = [
            HistoryRow(run: run, seq: 1, kind: .started, at: at), HistoryRow(run: run, seq: 2, kind: .finished, at: at),
        ]
        batch.finished = [RunFinish(run: run, status: .succeeded, at: at, note: nil)]
        return batch
    }
}
