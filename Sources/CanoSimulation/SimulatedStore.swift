// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// The store of a simulated world: the real tables, with everything that is written shown to the oracles.
struct SimulatedStore {
    private(set) var tables = MemoryTables()
    let bug: SimulationOptions.PlantedBug?

    init(bug: SimulationOptions.PlantedBug?) {
        self.bug = bug
    }

    func epoch(of shard: ShardID, at now: Instant) -> Epoch {
        self.tables.shards(at: now).first { $0.shard == shard }?.epoch ?? Epoch(rawValue: 0)
    }

    mutating func change<Result>(_ body: (inout MemoryTables) -> Result) -> Result { body(&self.tables) }

    /// Writes one batch and tells the ledger what is durable now.
    mutating func commit(_ batch: ShardBatch, at now: Instant, seenBy ledger: inout Ledger) -> CommitOutcome {
        let current = self.epoch(of: batch.shard, at: now)
        var written = batch
        if self.bug == .epochIgnored { written.epoch = current }
        let outcome = self.tables.commit([written], at: now)
        switch outcome {
        case .answered(let answer):
            guard !answer.stale.contains(batch.shard) else { break }
            if let problem = answer.contradicted[batch.shard] {
                ledger.blame("the store refuses a batch: \(problem.code.name): \(problem.message)")
                break
            }
            if batch.epoch != current { ledger.blame("a commit under epoch \(batch.epoch) was written in \(current)") }
            for start in batch.starts where answer.refused[start.run] == nil { ledger.started(start) }
            for row in batch.history where answer.refused[row.run] == nil { ledger.wrote(row) }
        case .failed(let code, let message): ledger.blame("the store refuses a commit: \(code.name): \(message)")
        case .unknown: break
        }
        return outcome
    }

    func load(_ run: RunID) -> StoredRun? {
        self.tables.load(run).map(self.spoiled)
    }

    func runnable(
        in shard: ShardID,
        before horizon: Instant,
        waitingOnly: Bool,
        after: RunID?,
        limit: Int
    ) -> [StoredRun] {
        self.tables.runnable(in: shard, before: horizon, waitingOnly: waitingOnly, after: after, limit: limit)
            .map(self.spoiled)
    }

    private func spoiled(_ stored: StoredRun) -> StoredRun {
        var stored = stored
        switch self.bug {
        case .undoOrder: stored.pushes.reverse()
        case .lossUnrecorded: stored.start.status = .waiting
        case .tokenIgnored, .epochIgnored, .actBeforeCommit, .joinTwice, .refusalUnheard, .leaseIntoTheVoid,
            .trustNotAsked, nil:
            break
        }
        return stored
    }
}
