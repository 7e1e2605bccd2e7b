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

    /// Tasks begin.
    package func started(_ leases: [LeaseRef]) {
        for (shard, leases) in Dictionary(grouping: leases, by: \.shard) { self.post(.started(leases), to: shard) }
    }

    /// Attempts ended.
    ///
    /// Each is answered once its outcome is durable.
    package func reports(_ reports: [AttemptReport], from session: SessionID, worker: WorkerID) {
        self.dispatch { $0.ended(session, reports.lazy.map(\.lease.key), effects: &$1) }
        for (shard, reports) in Dictionary(grouping: reports, by: \.lease.shard) {
            let event = ShardEvent.reports(reports, from: session, worker: worker)
            if !self.post(event, to: shard) { self.deliver([.notOwner(shard, Epoch(rawValue: 0))], to: session) }
        }
    }

    /// A worker offers leases that it still holds.
    package func offered(_ leases: [LeaseRef], from session: SessionID, worker: WorkerID) {
        for (shard, leases) in Dictionary(grouping: leases, by: \.shard) {
            let event = ShardEvent.offered(leases, from: session, worker: worker)
            if !self.post(event, to: shard) { self.deliver([.notOwner(shard, Epoch(rawValue: 0))], to: session) }
        }
    }

    /// The worker of these leases will not report.
    package func lost(_ leases: [LeaseRef], _ reason: LossReason) {
        for (shard, leases) in Dictionary(grouping: leases, by: \.shard) {
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
}
