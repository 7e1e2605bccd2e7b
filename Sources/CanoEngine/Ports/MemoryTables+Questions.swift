// SPDX-License-Identifier: Apache-2.0 OR MIT

extension MemoryTables {
    /// See ``RunStore/runnable(in:before:waitingOnly:after:limit:)``.
    package func runnable(
        in shard: ShardID,
        before horizon: Instant,
        waitingOnly: Bool,
        after: RunID?,
        limit: Int
    ) -> [StoredRun] {
        let due = self.live.values.lazy.map(\.start)
            .filter { start in
                guard start.run.shard == shard, after.map({ start.run > $0 }) ?? true else { return false }
                switch start.status {
                case .active, .compensating: return !waitingOnly
                case .waiting, .blocked: return start.wakeAt.map { $0 < horizon } ?? false
                case .succeeded, .failed, .cancelled, .timedOut: return false
                }
            }
        return due.map(\.run).sorted().prefix(max(0, limit)).compactMap { self.load($0) }
    }

    /// See ``RunStore/load(_:)``.
    package func load(_ run: RunID) -> StoredRun? {
        guard let live = self.live[run], let story = self.stories[run] else { return nil }
        guard let entry = story.rows.lastIndex(where: \.kind.isEntry) else { return nil }
        let branches = story.rows[entry].split
            .map { split in
                story.rows.lazy.filter { split.contains($0.seq) && $0.kind.isDelivered }
            }
        let known = story.rows[entry].knownSignals
        return StoredRun(
            start: live.start,
            tail: Array(story.rows[entry...]),
            pushes: story.pushes.lazy.filter { $0 < story.rows[entry].seq }.map { story.rows[story.index(of: $0)] },
            branches: branches.map(Array.init) ?? [],
            signals: known.isEmpty ? [] : story.rows[..<entry].filter { known.contains($0.seq) }
        )
    }

    /// See ``RunStore/hasOutcome(of:run:path:)``.
    package func hasOutcome(of token: Token, run: RunID, path: WorkPath) -> Bool {
        self.stories[run]?.rows.contains { $0.isOutcome(of: token, path: path) } ?? false
    }

    /// See ``RunStore/summary(of:)``.
    package func summary(of run: RunID) -> RunSummary? {
        self.live[run].map(RunSummary.init) ?? self.ended[run]
    }

    /// See ``RunStore/run(forKey:)``.
    package func run(forKey key: RunKey) -> KeyedRun? {
        self.keys[key]
    }

    /// See ``RunStore/summaries(_:)``.
    package func summaries(_ query: RunQuery) -> [RunSummary] {
        var found = self.ended.values.filter { query.wants($0) }
        for run in self.live.values {
            let summary = RunSummary(run)
            if query.wants(summary) { found.append(summary) }
        }
        return Array(found.sorted { $0.run > $1.run }.prefix(max(0, query.limit)))
    }

    /// See ``RunStore/history(of:after:limit:)``.
    package func history(of run: RunID, after: Int, limit: Int) -> [HistoryRow] {
        guard let story = self.stories[run] else { return [] }
        return Array(story.rows.dropFirst(story.index(of: after + 1)).prefix(max(0, limit)))
    }
}

extension RunQuery {
    fileprivate func wants(_ summary: RunSummary) -> Bool {
        (self.workflow.map { $0 == summary.definition.name } ?? true)
            && (self.status.map { $0 == summary.status } ?? true)
            && (self.before.map { summary.run < $0 } ?? true)
    }
}
