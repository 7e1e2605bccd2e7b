// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Run {
    /// A run as its store remembers it: the records behind its last state, applied again.
    ///
    /// Nothing is leased afterwards. Whoever calls this waits for offers of workers, then calls
    /// ``recover(_:died:at:)``. Rows that do not fit the definition throw `storeCorrupt`.
    public static func restore(_ stored: StoredRun, plan: Plan, limits: Limits) throws(CanoError) -> Run {
        let start = stored.start
        guard let first = stored.tail.first else {
            throw CanoError(.storeCorrupt, "run \(start.run) has no history; restore the store from a backup")
        }
        var run = Run(
            id: start.run,
            plan: plan,
            seed: start.seed,
            startedAt: start.at,
            limits: limits,
            parent: ParentLink(key: start.key)
        )
        for row in stored.pushes {
            guard case .sagaPushed(let push) = try row.record() else { continue }
            run.nextSeq = row.seq
            try run.check(push.state)
            run.apply(record: .sagaPushed(push))
        }
        run.nextSeq = first.seq
        var removed: [WorkPath: Int] = [:]
        var missing = 0
        for row in stored.tail {
            guard row.seq >= run.nextSeq else {
                throw CanoError(.storeCorrupt, "run \(start.run) has record \(row.seq) out of place; restore the store")
            }
            missing += row.seq - run.nextSeq
            run.nextSeq = row.seq
            let record = try row.record()
            try run.check(record)
            run.clock = row.at
            run.apply(record: record)
            if row.seq == first.seq { try run.deliver(stored, to: record) }
            if case .stepCursor(let path, _, let cursor) = record { removed[path] = cursor.removed }
            if case .checkpoint(let path, _, let cursor) = record { removed[path] = cursor.removed }
        }
        // Only cursors that newer ones replaced may be missing, and those say how many they are.
        guard missing == removed.values.reduce(0, +) else {
            throw CanoError(
                .storeCorrupt,
                "run \(start.run) lacks \(missing) records behind \(first.seq), and "
                    + "\(removed.values.reduce(0, +)) were removed; restore the store"
            )
        }
        return run
    }

    /// Hands the state what led to it: the results of branches, a signal, the end of a child; and tells the run which
    /// signals it knows of.
    private mutating func deliver(_ stored: StoredRun, to record: Record) throws(CanoError) {
        let entry: Record.Entry
        switch record {
        case .entered(let entered), .migrated(let entered, _): entry = entered
        case .started, .expanded, .branchDone, .joined, .attemptFailed, .attemptsLost, .attemptHeld, .sagaPushed,
            .compensating, .compensated, .cancelRequested, .finished, .signalled, .childStarted, .childEnded,
            .intervened, .stepCursor, .checkpoint:
            return
        }
        var signals: [Int: RunSignal] = [:]
        for row in stored.signals {
            guard case .signalled(let signal) = try row.record() else { continue }
            signals[row.seq] = signal
        }
        self.signals = SignalBox(entry.signals, from: signals)
        if let arrival = entry.arrival { try self.deliver(arrival, from: stored.branches) }
        if entry.split != nil { try self.deliver(entry, from: stored.branches) }
    }

    private mutating func deliver(_ arrival: Record.ArrivalRecord, from rows: [HistoryRow]) throws(CanoError) {
        guard let row = rows.first(where: { $0.seq == arrival.seq }) else {
            throw CanoError(.storeCorrupt, "run \(self.id) lacks record \(arrival.seq); restore the store")
        }
        switch try row.record() {
        case .signalled(let signal): self.position.arrival = .signal(signal)
        case .childEnded(let result): self.position.arrival = .child(result)
        case .started, .entered, .expanded, .branchDone, .joined, .attemptFailed, .attemptsLost, .attemptHeld,
            .sagaPushed, .compensating, .compensated, .cancelRequested, .finished, .childStarted, .intervened,
            .migrated, .stepCursor, .checkpoint:
            throw CanoError(.storeCorrupt, "run \(self.id): record \(arrival.seq) is nothing that a state is handed")
        }
    }

    private mutating func deliver(_ entry: Record.Entry, from rows: [HistoryRow]) throws(CanoError) {
        var results = [BranchOutcome](repeating: .cancelled, count: entry.branchCount)
        for row in rows {
            // Signals that came meanwhile lie in the same range.
            guard case .branchDone(let index, let result, _) = try row.record(), results.indices.contains(index) else {
                continue
            }
            results[index] = result
        }
        self.position.joined = results
    }

    private func check(_ record: Record) throws(CanoError) {
        switch record {
        case .started(let entry), .entered(let entry), .migrated(let entry, _): try self.check(entry.state)
        case .sagaPushed(let push): try self.check(push.state)
        case .branchDone(let index, _, _):
            guard case .branches(let branches) = self.position.step, branches.all.indices.contains(index),
                branches.all[index].result == nil
            else { throw CanoError(.storeCorrupt, "run \(self.id) has an outcome of branch \(index) out of place") }
        case .compensated:
            guard case .undoing = self.phase, !self.saga.isEmpty else {
                throw CanoError(.storeCorrupt, "run \(self.id) has an undo out of place; restore the store")
            }
        case .childEnded:
            guard case .child(let child) = self.position.step, child.result == nil else {
                throw CanoError(.storeCorrupt, "run \(self.id) has the end of a child out of place")
            }
        case .expanded, .joined, .attemptFailed, .attemptsLost, .attemptHeld, .compensating, .cancelRequested,
            .finished, .signalled, .childStarted, .intervened, .stepCursor, .checkpoint:
            break
        }
    }

    private func check(_ state: String) throws(CanoError) {
        guard self.plan.index(of: state) == nil else { return }
        throw CanoError(.storeCorrupt, "run \(self.id) is in '\(state)', which \(self.plan.key) does not have")
    }
}
