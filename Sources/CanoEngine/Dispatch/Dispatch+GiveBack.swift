// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Dispatch {
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
