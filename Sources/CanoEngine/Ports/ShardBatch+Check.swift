// SPDX-License-Identifier: Apache-2.0 OR MIT

extension ShardBatch {
    /// What is wrong with the batch as such, whatever the store holds; `nil` when nothing is.
    ///
    /// Every store asks this first, so that a mistake of the writer is refused alike everywhere. It checks that
    /// everything belongs to the batch's shard (otherwise the fence would guard the wrong door), that each run's
    /// records are dense and in order, that a run is created together with its first record, and that it is moved to
    /// the finished ones together with its last.
    package func problem() -> String? {
        if self.starts.isEmpty, self.finished.isEmpty, self.updates.isEmpty, self.history.count == 1 {
            return self.problem(ofOnly: self.history[0])
        }
        let ending = Set(self.finished.lazy.map(\.run))
        var started: Set<RunID> = []
        for start in self.starts {
            if let problem = self.foreign(start.run) { return problem }
            if start.status.isFinished && !ending.contains(start.run) {
                return "run \(start.run) is started as \(start.status.name), but not finished"
            }
            if !started.insert(start.run).inserted { return "run \(start.run) is started twice in one batch" }
        }
        for update in self.updates {
            if let problem = self.foreign(update.run) { return problem }
            if update.status.isFinished {
                return "run \(update.run) is updated to \(update.status.name); only a finish ends a run"
            }
        }
        var finished: Set<RunID> = []
        for finish in self.finished {
            if let problem = self.foreign(finish.run) { return problem }
            if !finish.status.isFinished { return "run \(finish.run) is finished as \(finish.status.name)" }
            if !finished.insert(finish.run).inserted { return "run \(finish.run) is finished twice in one batch" }
        }
        return self.historyProblem(started: started, finished: finished)
    }

    /// The shard that a commit names twice, if any: its answers could not tell the two batches apart.
    package static func repeated(in batches: [ShardBatch]) -> ShardID? {
        var seen: Set<ShardID> = []
        return batches.first { !seen.insert($0.shard).inserted }?.shard
    }

    /// How every store refuses a commit that names this shard twice.
    package static func refusal(ofRepeated shard: ShardID) -> CommitOutcome {
        .failed(.invalidInput, "the commit has two batches of shard \(shard.rawValue); send the second one afterwards")
    }

    private func historyProblem(started: Set<RunID>, finished: Set<RunID>) -> String? {
        var last: [RunID: (seq: Int, kind: HistoryRow.Kind)] = [:]
        var begun = 0
        var ended = 0
        // Looked at in place: a row has a dozen references, and a copy would count each.
        let rows = self.history.span
        for index in rows.indices {
            let (run, seq, kind) = (rows[index].run, rows[index].seq, rows[index].kind)
            if let problem = self.foreign(run) { return problem }
            var name: String { "record \(seq) of run \(run)" }
            if let previous = last.updateValue((seq, kind), forKey: run) {
                if seq != previous.seq + 1 { return "\(name) follows record \(previous.seq)" }
                if previous.kind == .finished { return "\(name) follows the run's last one" }
            }
            if seq < 1 { return "\(name): records are numbered from 1" }
            if seq == 1 {
                if !started.contains(run) { return "\(name) has no start in its batch" }
                begun += 1
            }
            if kind == .finished {
                if !finished.contains(run) { return "\(name) ends the run, but the batch does not finish it" }
                ended += 1
            }
        }
        if begun != started.count { return "a run of shard \(self.shard.rawValue) is started without its first record" }
        if ended != finished.count {
            return "a run of shard \(self.shard.rawValue) is finished without its last record"
        }
        return nil
    }

    /// The same for the batch that is the most frequent by far: one record in the middle of a run.
    private func problem(ofOnly row: HistoryRow) -> String? {
        if row.seq > 1, row.kind != .finished { return self.foreign(row.run) }
        return self.historyProblem(started: [], finished: [])
    }

    private func foreign(_ run: RunID) -> String? {
        run.shard == self.shard ? nil : "run \(run) is not of shard \(self.shard.rawValue), whose batch names it"
    }
}
