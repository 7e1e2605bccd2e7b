// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Dispatch {
    // MARK: Kept slots

    /// A session reported how attempts ended, and can take `credit` more leases.
    ///
    /// Returns how many slots of it are kept for what follows in the runs that it reported on. That happens only when
    /// nothing waits, so that nobody is passed over; whoever does not use them gives them back as credit.
    public mutating func reported(
        _ session: SessionID,
        _ reports: [AttemptReport],
        credit: Int,
        effects: inout [Effect]
    ) -> Int {
        self.heard(reports, effects: &effects)
        guard let index = self.sessions.index(forKey: session) else { return 0 }
        guard self.waiting == 0, let kept = self.sessions.values[index].keep(reports, credit: credit) else {
            self.ended(session, reports.map(\.lease.key), effects: &effects)
            self.credit(session, credit, effects: &effects)
            return 0
        }
        self.credit(session, credit, effects: &effects)
        return kept
    }

    /// Work was granted to a session in a slot that was kept for it.
    public mutating func followed(_ session: SessionID, _ work: WorkKey) {
        guard let index = self.sessions.index(forKey: session) else { return }
        self.sessions.values[index].follow(work)
    }

    /// Slots that were kept are free; a session that takes no more work does not get them back as credit.
    public mutating func unused(_ session: SessionID, _ count: Int, effects: inout [Effect]) {
        guard count > 0, let index = self.sessions.index(forKey: session) else { return }
        self.sessions.values[index].kept -= count
        if !self.sessions.values[index].isWithdrawn { self.credit(session, count, effects: &effects) }
    }

    // MARK: What will not happen

    /// Takes back what was decided for sessions by effects that nobody will perform.
    public mutating func giveBack(_ shardEffects: [ShardEffect], effects: inout [Effect]) {
        for effect in shardEffects {
            switch effect {
            case .followed(let work, let session): self.followed(session, work)
            case .send(let grant, let session):
                self.freed(CollectionOfOne(grant.lease), effects: &effects)
                self.ended(session, CollectionOfOne(grant.lease.key), effects: &effects)
                self.credit(session, 1, effects: &effects)
            case .ungranted(let offer, let session): self.ungranted(session, offer, effects: &effects)
            case .unused(let session, let count): self.unused(session, count, effects: &effects)
            case .ready, .claimed, .adopted, .stop, .revoke, .answer, .checkpointed, .lookUp, .left, .reply, .finished,
                .load, .loadPage, .unreadable, .wake, .posted:
                break
            }
        }
    }

    /// The same for events that nobody will reduce.
    public mutating func giveBack(_ events: some Sequence<ShardEvent>, effects: inout [Effect]) {
        for event in events {
            switch event {
            case .grant(let grants):
                for grant in grants { self.ungranted(grant.session, grant.offer, effects: &effects) }
            case .reports(_, let session, _, let slots): self.unused(session, slots, effects: &effects)
            case .start, .audit, .started, .checkpoints, .offered, .lost, .cancel, .order, .define, .unserved, .mail,
                .loaded, .page, .tick:
                break
            }
        }
    }
}
