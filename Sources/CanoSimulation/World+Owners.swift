// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension World {
    mutating func beginOwner(_ owner: Int) {
        let life = self.owners[owner].life
        self.arrange(in: self.draw.span(1...50), .renew(owner: owner, life: life))
        self.arrange(in: .seconds(1), .checkSessions(owner: owner, life: life))
        self.arrange(in: .seconds(1), .readMail(owner: owner, life: life))
    }

    // MARK: Ownership

    mutating func renew(_ owner: Int) {
        self.arrange(in: self.draw.span(300...900), .renew(owner: owner, life: self.owners[owner].life))
        // Now and then the store cannot be asked for a while.
        if !self.isHealed, self.options.hasFaults, self.draw.chance(25) { return }
        let (me, ttl, now) = (self.owners[owner].ownership.me, self.options.shardTTL, self.now)
        let held = self.owners[owner].ownership.held
        if !held.isEmpty {
            let still = self.store.change { $0.renew(held, for: me, ttl: ttl, at: now) }
            self.own(.renewed(held, still: still, sentAt: now), by: owner)
        }
        // One shard each while both live: a shard of the other is taken only when its lease has run out.
        let wanted = self.store.tables.shards(at: now)
            .filter { lease in
                let isMine = lease.epoch.rawValue > 0 || Int(lease.shard.rawValue) % 2 == owner % 2
                return isMine && Self.shards.contains(lease.shard)
            }
        self.own(.listed(wanted), by: owner)
    }

    mutating func own(_ event: Ownership.Event, by owner: Int) {
        for effect in self.owners[owner].ownership.apply(event, at: self.now) {
            switch effect {
            case .take(let claims):
                let (me, ttl, now) = (self.owners[owner].ownership.me, self.options.shardTTL, self.now)
                let won = self.store.change { $0.take(claims, for: me, ttl: ttl, at: now) }
                self.own(.taken(claims, won: won), by: owner)
                self.tellOwned(owner)
            case .begin(let shard, let epoch, let last): self.beginSeat(shard, epoch, after: last, of: owner)
            case .end(let shard, let epoch):
                guard self.owners[owner].seats[shard]?.epoch == epoch else { continue }
                let seat = self.owners[owner].seats.removeValue(forKey: shard)
                self.dispatch(owner) { dispatch, effects in
                    dispatch.lost(shard, effects: &effects)
                    dispatch.giveBack(seat?.mailbox ?? [], effects: &effects)
                    dispatch.giveBack(seat?.inFlight?.effects ?? [], effects: &effects)
                }
            }
        }
    }

    private mutating func beginSeat(_ shard: ShardID, _ epoch: Epoch, after last: HostID?, of owner: Int) {
        self.count("takes")
        var effects: [ShardEffect] = []
        let value = Shard(
            id: shard,
            epoch: epoch,
            plans: self.plans,
            at: self.now,
            leaseTime: self.options.leaseTTL,
            limits: self.options.limits,
            workers: self.options.hasWorkersWithin ? .within(lastDied: last != nil) : .elsewhere,
            effects: &effects
        )
        if case .listening(let until) = value.phase { self.owners[owner].dispatch.listen(until: until) }
        self.owners[owner].seats[shard] = SimulatedOwner.Seat(shard: value, epoch: epoch)
        self.perform(effects, of: shard, by: owner)
    }

    private mutating func tellOwned(_ owner: Int) {
        let held = self.owners[owner].ownership.held
        for id in self.owners[owner].sessions.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            self.send(.owned(held), to: id, by: owner)
        }
    }

    // MARK: The shell of a shard

    @discardableResult
    mutating func post(_ event: ShardEvent, to shard: ShardID, of owner: Int) -> Bool {
        guard self.owners[owner].seats[shard] != nil else { return false }
        self.owners[owner].seats[shard]?.mailbox.append(event)
        self.flush(shard, of: owner)
        return true
    }

    /// Reduces what has come, then commits it; at most one batch is under way.
    mutating func flush(_ shard: ShardID, of owner: Int) {
        guard var seat = self.owners[owner].seats[shard], seat.inFlight == nil, !seat.mailbox.isEmpty else { return }
        let (life, epoch) = (self.owners[owner].life, seat.epoch)
        let isTrusted = self.owners[owner].ownership.isTrusted(shard, at: self.now)
        var output = ShardOutput(shard: shard, epoch: epoch)
        let events = seat.mailbox
        seat.mailbox = []
        self.owners[owner].seats[shard] = nil
        for event in events {
            if !isTrusted, event.needsTrust {
                self.arrange(in: Span(milliseconds: 100), .tell(owner: owner, life: life, shard, epoch, event))
                continue
            }
            seat.shard.apply(event, at: self.now, into: &output)
        }
        let bound = self.options.limits.residentRuns + 8
        if seat.shard.residentCount > bound { self.ledger.blame("\(seat.shard.residentCount) runs are in memory") }
        let isEmpty = output.batch.isEmpty
        if !isEmpty { seat.inFlight = output }
        self.owners[owner].seats[shard] = seat
        if isEmpty { return self.perform(output.effects, of: shard, by: owner) }
        if self.options.bug == .actBeforeCommit { self.perform(output.effects, of: shard, by: owner) }
        self.arrange(in: self.draw.span(1...20), .commit(owner: owner, life: life, output.batch))
    }

    /// A commit reaches the store, whatever has become of its sender.
    mutating func commit(_ batch: ShardBatch, of owner: Int, _ life: Int) {
        let fate = self.isHealed || !self.options.hasFaults ? 99 : self.draw.number(below: 100)
        let outcome: CommitOutcome
        switch fate {
        case 0...3: outcome = .failed(.storeUnavailable, "not now")
        case 4: outcome = .unknown("not written")
        case 5:
            _ = self.store.commit(batch, at: self.now, seenBy: &self.ledger)
            outcome = .unknown("written")
        default: outcome = self.store.commit(batch, at: self.now, seenBy: &self.ledger)
        }
        let answer = Happening.committed(owner: owner, life: life, batch.shard, batch.epoch, outcome)
        self.arrange(in: self.draw.span(1...10), answer)
    }

    mutating func committed(_ outcome: CommitOutcome, _ shard: ShardID, of owner: Int) {
        guard let output = self.owners[owner].seats[shard]?.inFlight, let epoch = self.owners[owner].seats[shard]?.epoch
        else { return }
        switch outcome {
        case .failed:
            self.count("commits failed")
            let life = self.owners[owner].life
            return self.arrange(in: Span(milliseconds: 50), .commit(owner: owner, life: life, output.batch))
        case .unknown:
            self.count("commits unknown")
            return self.own(.unknown(shard, epoch), by: owner)
        case .answered(let answer):
            if answer.stale.contains(shard) {
                self.count("commits stale")
                return self.own(.stale(shard, epoch), by: owner)
            }
            self.owners[owner].seats[shard]?.inFlight = nil
            let left = self.owners[owner].seats[shard]?.shard.committed(answer.refused, effects: output.effects)
            self.compare(shard, of: owner)
            if self.options.bug != .actBeforeCommit { self.perform(left ?? [], of: shard, by: owner) }
            self.flush(shard, of: owner)
        }
    }

    /// What is resumed from the store is what the owner knows, leases apart.
    private mutating func compare(_ shard: ShardID, of owner: Int) {
        guard self.options.bug == nil, let seat = self.owners[owner].seats[shard] else { return }
        guard self.store.epoch(of: shard, at: self.now) == seat.epoch else { return }
        for id in self.unfinished where id.shard == shard {
            guard self.draw.chance(40), let live = seat.shard.run(id), let stored = self.store.load(id)
            else { continue }
            do {
                let restored = try Run.restore(stored, plan: live.plan, limits: self.options.limits)
                guard restored.withoutLeases(at: self.now) != live.withoutLeases(at: self.now) else { continue }
                self.ledger.blame("run \(id) is resumed as \(restored), but is \(live)")
            } catch {
                self.ledger.blame("run \(id) cannot be resumed: \(error)")
            }
        }
    }

    // MARK: The store

    mutating func read(_ effect: ShardEffect, of shard: ShardID, _ epoch: Epoch, for owner: Int, _ life: Int) {
        let event: ShardEvent
        switch effect {
        case .load(let run): event = .loaded(run, self.store.load(run))
        case .loadPage(let after, let before, let waitingOnly, let limit):
            let runs = self.store.runnable(
                in: shard,
                before: before,
                waitingOnly: waitingOnly,
                after: after,
                limit: limit
            )
            event = .page(runs, waitingOnly: waitingOnly, isLast: runs.count < limit)
        case .ready, .send, .followed, .unused, .ungranted, .claimed, .adopted, .stop, .revoke, .answer,
            .checkpointed, .lookUp, .left, .reply, .finished, .unreadable, .wake, .posted:
            return
        }
        self.arrange(in: self.draw.span(1...200), .tell(owner: owner, life: life, shard, epoch, event))
    }

    mutating func answerLookUp(_ lease: LeaseRef, _ session: SessionID, of owner: Int) {
        let isKnown = self.store.tables.hasOutcome(of: lease.token, run: lease.key.run, path: lease.key.path)
        self.send(.answer(lease, isKnown ? .already : .lost), to: session, by: owner)
    }

    mutating func readMail(_ owner: Int) {
        let owned = self.owners[owner].ownership.held.keys.sorted()
        for stored in self.store.tables.mail(for: owned, limit: 100) {
            self.post(.mail(stored), to: stored.mail.shard, of: owner)
        }
        self.arrange(in: .seconds(1), .readMail(owner: owner, life: self.owners[owner].life))
    }
}
