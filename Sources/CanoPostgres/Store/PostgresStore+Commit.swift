// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

extension PostgresStore {
    /// See ``RunStore/commit(_:)``.
    public func commit(_ batches: [ShardBatch]) async -> CommitOutcome {
        for batch in batches {
            if let problem = batch.problem() { return .failed(.invalidInput, problem) }
        }
        guard Set(batches.map(\.shard)).count < batches.count else { return await self.send(batches) }
        return await self.commitRepeating(batches)
    }

    /// A commit that names a shard twice, which no owner has reason to do: the statement knows one epoch a shard and
    /// writes by kinds of rows, so what depends on the order of the batches is looked at before.
    private func commitRepeating(_ batches: [ShardBatch]) async -> CommitOutcome {
        let now: [ShardID: Epoch]
        do {
            now = Dictionary(uniqueKeysWithValues: try await self.shards().map { ($0.shard, $0.epoch) })
        } catch {
            return .failed(error.code, error.message)
        }
        // An epoch that is wrong now is stale: of two for one shard at least one is.
        let passing = batches.filter { now[$0.shard] == $0.epoch }
        var over: Set<RunID> = []
        for batch in passing {
            let touched = batch.history.map(\.run) + batch.updates.map(\.run) + batch.finished.map(\.run)
            if let run = touched.first(where: over.contains) {
                return .failed(.storeCorrupt, "run \(run) goes on after its end in the same commit")
            }
            over.formUnion(batch.finished.lazy.map(\.run))
        }
        let outcome = await self.send(passing)
        guard case .answered(var answer) = outcome else { return outcome }
        answer.stale.formUnion(batches.lazy.filter { now[$0.shard] != $0.epoch }.map(\.shard))
        return .answered(answer)
    }

    private func send(_ batches: [ShardBatch]) async -> CommitOutcome {
        do {
            return .answered(try await self.commits.run(.commit(batches), within: self.options.commitTime))
        } catch {
            return error.outcome(at: self.address)
        }
    }
}
