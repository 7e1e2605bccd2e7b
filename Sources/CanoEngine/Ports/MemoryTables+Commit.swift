// SPDX-License-Identifier: Apache-2.0 OR MIT

extension MemoryTables {
    /// See ``RunStore/commit(_:)``: each batch is first checked, then written.
    package mutating func commit(_ batches: [ShardBatch], at now: Instant) -> CommitOutcome {
        if let shard = ShardBatch.repeated(in: batches) { return ShardBatch.refusal(ofRepeated: shard) }
        var answer = CommitAnswer(now: now)
        for batch in batches {
            if let problem = batch.problem() {
                answer.contradicted[batch.shard] = Contradiction(.invalidInput, problem)
                continue
            }
            guard self.passes(batch) else {
                answer.stale.insert(batch.shard)
                continue
            }
            let refused = self.refusals(in: batch)
            let rest = batch.without(refused)
            if let problem = self.problem(in: rest) {
                answer.contradicted[batch.shard] = Contradiction(.storeCorrupt, problem)
                continue
            }
            answer.refused.merge(refused) { $1 }
            self.write(rest, refused)
        }
        return .answered(answer)
    }

    /// The starts whose key belongs to another run, of the store or earlier in this batch.
    private func refusals(in batch: ShardBatch) -> [RunID: KeyedRun] {
        var refused: [RunID: KeyedRun] = [:]
        var claimed: [RunKey: KeyedRun] = [:]
        for start in batch.starts {
            guard let key = start.runKey else { continue }
            if let owner = self.keys[key] ?? claimed[key] {
                refused[start.run] = owner
            } else {
                claimed[key] = KeyedRun(run: start.run, inputHash: start.inputHash)
            }
        }
        return refused
    }

    /// What the rows say that cannot be true given what is stored.
    private func problem(in batch: ShardBatch) -> String? {
        var last: [RunID: Int] = [:]
        let begun = Set(batch.starts.lazy.map(\.run))
        if let run = begun.first(where: { self.stories[$0] != nil }) { return "run \(run) exists already" }
        for row in batch.history {
            let expected = (last[row.run] ?? self.stories[row.run]?.rows.last?.seq ?? 0) + 1
            if row.seq != expected {
                return "record \(row.seq) of run \(row.run) does not follow the \(expected - 1) stored ones"
            }
            if self.ended[row.run] != nil { return "run \(row.run) has ended" }
            last[row.run] = row.seq
        }
        for run in batch.updates.map(\.run) + batch.finished.map(\.run) {
            if self.live[run] == nil && !begun.contains(run) { return "run \(run) is not among the unfinished runs" }
        }
        return nil
    }

    private mutating func write(_ batch: ShardBatch, _ refused: [RunID: KeyedRun]) {
        for start in batch.starts {
            self.live[start.run] = Live(start: start)
            if let key = start.runKey {
                self.keys[key] = KeyedRun(run: start.run, inputHash: start.inputHash)
            }
        }
        for row in batch.history {
            self.stories[row.run, default: Story()].append(row)
        }
        for update in batch.updates {
            self.live[update.run]?.start.status = update.status
            self.live[update.run]?.start.wakeAt = update.wakeAt
            self.live[update.run]?.note = update.note
            if let version = update.version { self.live[update.run]?.start.definition.version = version }
        }
        for finish in batch.finished {
            guard let run = self.live.removeValue(forKey: finish.run) else { continue }
            var summary = RunSummary(run)
            summary.status = finish.status
            summary.finishedAt = finish.at
            summary.wakeAt = nil
            summary.note = finish.note
            self.ended[finish.run] = summary
        }
        self.post(batch.mail)
        if !batch.consumed.isEmpty {
            let consumed = Set(batch.consumed)
            self.inbox.removeAll { consumed.contains($0.id) && $0.mail.shard == batch.shard }
        }
        self.notes.append(contentsOf: batch.audit.map { $0.corrected(for: refused) })
    }
}

extension ShardBatch {
    /// The batch without these runs and everything that is said about them.
    fileprivate func without(_ runs: [RunID: KeyedRun]) -> ShardBatch {
        guard !runs.isEmpty else { return self }
        var batch = self
        batch.starts.removeAll { runs[$0.run] != nil }
        batch.history.removeAll { runs[$0.run] != nil }
        batch.updates.removeAll { runs[$0.run] != nil }
        batch.finished.removeAll { runs[$0.run] != nil }
        return batch
    }
}

extension RunSummary {
    /// An unfinished run as lists show it.
    init(_ live: MemoryTables.Live) {
        self.init(
            run: live.start.run,
            definition: live.start.definition,
            key: live.start.key,
            status: live.start.status,
            startedAt: live.start.at,
            wakeAt: live.start.wakeAt,
            note: live.note
        )
    }
}
