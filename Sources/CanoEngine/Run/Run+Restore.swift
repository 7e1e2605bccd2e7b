// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Run {
    /// A run as its store remembers it: the records behind its last state, applied again.
    ///
    /// Nothing is leased afterwards. Whoever calls this waits for offers of workers, then calls
    /// ``recover(_:at:)``. Rows that do not fit the definition throw `storeCorrupt`.
    public static func restore(_ stored: StoredRun, plan: Plan, limits: Limits) throws(CanoError) -> Run {
        let start = stored.start
        guard let first = stored.tail.first else {
            throw CanoError(.storeCorrupt, "run \(start.run) has no history; restore the store from a backup")
        }
        var run = Run(id: start.run, plan: plan, seed: start.seed, startedAt: start.at, limits: limits)
        for row in stored.pushes {
            guard case .sagaPushed(let push) = try row.record() else { continue }
            run.nextSeq = row.seq
            try run.check(push.state)
            run.apply(record: .sagaPushed(push))
        }
        run.nextSeq = first.seq
        for row in stored.tail {
            guard row.seq == run.nextSeq else {
                throw CanoError(.storeCorrupt, "run \(start.run) lacks record \(run.nextSeq); restore the store")
            }
            let record = try row.record()
            try run.check(record)
            run.apply(record: record)
            if row.seq == first.seq { try run.deliver(stored.branches, to: record) }
        }
        return run
    }

    /// Hands the state behind a join the results of its branches.
    private mutating func deliver(_ rows: [HistoryRow], to record: Record) throws(CanoError) {
        guard case .entered(let entry) = record, entry.split != nil else { return }
        var results = [BranchOutcome](repeating: .cancelled, count: entry.branchCount)
        for row in rows {
            guard case .branchDone(let index, let result, _) = try row.record(), results.indices.contains(index) else {
                continue
            }
            results[index] = result
        }
        self.position.joined = results
    }

    private func check(_ record: Record) throws(CanoError) {
        switch record {
        case .started(let entry), .entered(let entry): try self.check(entry.state)
        case .sagaPushed(let push): try self.check(push.state)
        case .branchDone(let index, _, _):
            guard case .branches(let branches) = self.position.step, branches.all.indices.contains(index),
                branches.all[index].result == nil
            else { throw CanoError(.storeCorrupt, "run \(self.id) has an outcome of branch \(index) out of place") }
        case .compensated:
            guard case .undoing = self.phase, !self.saga.isEmpty else {
                throw CanoError(.storeCorrupt, "run \(self.id) has an undo out of place; restore the store")
            }
        case .expanded, .joined, .attemptFailed, .attemptsLost, .attemptHeld, .compensating, .cancelRequested,
            .finished:
            break
        }
    }

    private func check(_ state: String) throws(CanoError) {
        guard self.plan.index(of: state) == nil else { return }
        throw CanoError(.storeCorrupt, "run \(self.id) is in '\(state)', which \(self.plan.key) does not have")
    }
}
