// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

extension EngineHost {
    /// A worker connected; it has no credit yet.
    package func connect(_ session: any LeaseSession, capabilities: [Capability]) {
        let (id, worker) = (session.id, session.worker)
        self.sessions.withLock { $0[id] = session }
        self.sessionsOfWorkers.withLock { $0[worker] = id }
        self.dispatch { dispatch, _ in dispatch.connected(id, worker: worker, capabilities: capabilities) }
        self.deliver([.owned(self.owned)], to: id)
    }

    /// A worker can take so many more leases.
    package func credit(_ session: SessionID, _ count: Int) {
        self.dispatch { $0.credit(session, count, effects: &$1) }
    }

    /// Slots that were kept for what follows in reported runs are free.
    func unused(_ session: SessionID, _ count: Int) {
        if count > 0 { self.dispatch { $0.unused(session, count, effects: &$1) } }
    }

    /// Tasks begin.
    package func started(_ leases: [LeaseRef]) {
        for (shard, leases) in leases.grouped(by: \.shard) { self.post(.started(leases), to: shard) }
    }

    /// Attempts ended.
    ///
    /// Each is answered once its outcome is durable.
    ///
    /// - Parameters:
    ///   - reports: how they ended.
    ///   - session: who says so.
    ///   - worker: which worker that is.
    ///   - credit: how many leases more it can take now.
    package func reports(_ reports: [AttemptReport], from session: SessionID, worker: WorkerID, credit: Int = 0) {
        var kept = 0
        self.dispatch { dispatch, effects in
            kept = dispatch.reported(session, reports, credit: credit, effects: &effects)
        }
        for (shard, reports) in reports.grouped(by: \.lease.shard) {
            let slots = min(kept, reports.count)
            kept -= slots
            let event = ShardEvent.reports(reports, from: session, worker: worker, slots: slots)
            guard !self.post(event, to: shard) else { continue }
            self.unused(session, slots)
            self.deliver([.notOwner(shard, Epoch(rawValue: 0))], to: session)
        }
    }

    /// Attempts that go on want cursors to be durable.
    ///
    /// Each is answered once its cursor is.
    package func checkpoints(_ checkpoints: [LeaseCheckpoint], from session: SessionID, worker: WorkerID) {
        for (shard, checkpoints) in checkpoints.grouped(by: \.lease.shard) {
            let event = ShardEvent.checkpoints(checkpoints, from: session, worker: worker)
            if !self.post(event, to: shard) { self.deliver([.notOwner(shard, Epoch(rawValue: 0))], to: session) }
        }
    }

    /// A worker offers leases that it still holds.
    package func offered(_ leases: [LeaseRef], from session: SessionID, worker: WorkerID) {
        for (shard, leases) in leases.grouped(by: \.shard) {
            let event = ShardEvent.offered(leases, from: session, worker: worker)
            if !self.post(event, to: shard) { self.deliver([.notOwner(shard, Epoch(rawValue: 0))], to: session) }
        }
    }

    /// The worker of these leases will not report.
    package func lost(_ leases: [LeaseRef], _ reason: LossReason) {
        self.dispatch { $0.freed(leases, effects: &$1) }
        for (shard, leases) in leases.grouped(by: \.shard) {
            self.post(.lost(leases, reason), to: shard)
        }
    }

    /// A worker takes no more leases; returns the credit that it had.
    package func drain(_ session: SessionID) -> Int {
        var credit = 0
        self.dispatch { credit = $0.withdraw(session, isGone: false, effects: &$1) }
        return credit
    }

    /// Takes back the credit that nobody here has a use for; returns what each worker is to be told.
    package func recallIdleCredit() -> [SessionID: Int] {
        var recalled: [SessionID: Int] = [:]
        self.dispatch { recalled = $0.recallIdle(effects: &$1) }
        return recalled
    }

    /// A connection is gone.
    ///
    /// Its leases live on until the caller says that they are ``lost(_:_:)``.
    package func disconnect(_ session: SessionID, worker: WorkerID) {
        _ = self.sessions.withLock { $0.removeValue(forKey: session) }
        self.sessionsOfWorkers.withLock { sessions in
            if sessions[worker] == session { sessions[worker] = nil }
        }
        self.dispatch { _ = $0.withdraw(session, isGone: true, effects: &$1) }
    }

    // MARK: Limits

    /// Which declared limits hold up a run's work now.
    package func waits(of run: RunID) -> [LimitWait] {
        self.dispatch.withLock { $0.waits(of: run) }
    }

    /// Forces a declared breaker, or releases it; false when no work has declared one of this name here.
    package func force(breaker name: String, _ force: BreakerForce) -> Bool {
        var isKnown = false
        self.dispatch { isKnown = $0.force(breaker: name, force, effects: &$1) }
        return isKnown
    }
}

extension Array {
    /// The elements of each shard; mostly there is one shard, and nothing to be sorted out.
    fileprivate func grouped(by shard: (Element) -> ShardID) -> [(ShardID, [Element])] {
        guard let first = self.first.map(shard) else { return [] }
        if self.allSatisfy({ shard($0) == first }) { return [(first, self)] }
        return Dictionary(grouping: self, by: shard).map { ($0.key, $0.value) }
    }
}
