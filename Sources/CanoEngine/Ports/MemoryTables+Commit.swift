// SPDX-License-Identifier: Apache-2.0 OR MIT

extension MemoryTables {
    /// See ``RunStore/commit(_:)``: first everything is checked, then everything is written.
    package mutating func commit(_ batches: [ShardBatch], at now: Instant) -> CommitOutcome {
        for batch in batches {
            if let problem = batch.problem() { return .failed(.invalidInput, problem) }
        }
        var answer = CommitAnswer(now: now)
        var passing: [ShardBatch] = []
        for batch in batches {
            if self.passes(batch) { passing.append(batch) } else { answer.stale.insert(batch.shard) }
        }
        answer.refused = self.refusals(in: passing)
        passing = passing.map { $0.without(answer.refused) }
        if let problem = self.problem(in: passing) { return .failed(.storeCorrupt, problem) }
        for batch in passing { self.write(batch) }
        return .answered(answer)
    }

    /// The starts whose key belongs to another run, of the store or earlier in this commit.
    private func refusals(in batches: [ShardBatch]) -> [RunID: KeyedRun] {
        var refused: [RunID: KeyedRun] = [:]
        var claimed: [RunKey: KeyedRun] = [:]
        for start in batches.lazy.flatMap(\.starts) {
            guard let key = start.runKey else { continue }
            if let owner = self.keys[key] ?? claimed[key] {
                refused[start.run] = owner
            } else {
                claimed[key] = KeyedRun(run: start.run, inputHash: start.inputHash)
            }
        }
        return refused
    }

    /// What the rows say that cannot be true given what is stored: nothing of such a commit is written.
    private func problem(in batches: [ShardBatch]) -> String? {
        var last: [RunID: Int] = [:]
        var begun: Set<RunID> = []
        var over: Set<RunID> = []
        for batch in batches {
            for start in batch.starts {
                if self.stories[start.run] != nil || !begun.insert(start.run).inserted {
                    return "run \(start.run) exists already"
                }
            }
            for row in batch.history {
                let expected = (last[row.run] ?? self.stories[row.run]?.rows.count ?? 0) + 1
                if row.seq != expected {
                    return "record \(row.seq) of run \(row.run) does not follow the \(expected - 1) stored ones"
                }
                if self.ended[row.run] != nil || over.contains(row.run) { return "run \(row.run) has ended" }
                last[row.run] = row.seq
            }
            for run in batch.updates.map(\.run) + batch.finished.map(\.run) {
                if self.live[run] == nil && !begun.contains(run) || over.contains(run) {
                    return "run \(run) is not among the unfinished runs"
                }
            }
            over.formUnion(batch.finished.lazy.map(\.run))
        }
        return nil
    }

    private mutating func write(_ batch: ShardBatch) {
        for start in batch.starts {
            self.live[start.run] = Live(start: start)
            if let key = start.runKey {
                self.keys[key] = KeyedRun(run: start.run, inputHash: start.inputHash)
            }
        }
        for row in batch.history {
            if row.kind == .sagaPushed { self.stories[row.run, default: Story()].pushes.append(row.seq - 1) }
            self.stories[row.run, default: Story()].rows.append(row)
        }
        for update in batch.updates {
            self.live[update.run]?.start.status = update.status
            self.live[update.run]?.start.wakeAt = update.wakeAt
            self.live[update.run]?.note = update.note
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
        self.notes.append(contentsOf: batch.audit)
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
