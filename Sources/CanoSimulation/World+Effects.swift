// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension World {
    /// Performs what follows from a commit, as the shell of a shard does.
    mutating func act(on effects: [ShardEffect], of shard: ShardID, by owner: Int) {
        let leases = effects.compactMap { $0.lease }
        let isSure = self.options.bug == .trustNotAsked || self.isTrusted(shard, by: owner)
        guard !isSure, !leases.isEmpty else { return self.perform(effects, of: shard, by: owner) }
        self.count("leases withheld")
        self.giveBack(effects.filter { $0.lease != nil }, of: owner)
        self.post(.lost(leases.map(\.lease), .unstarted), to: shard, of: owner)
        self.perform(effects.filter { $0.lease == nil }, of: shard, by: owner)
    }

    private func isTrusted(_ shard: ShardID, by owner: Int) -> Bool {
        self.owners[owner].ownership.isTrusted(shard, at: self.now)
    }

    /// Credit of grants that nobody will be told of.
    mutating func giveBack(_ effects: [ShardEffect], of owner: Int) {
        for effect in effects {
            if case .send(let grant, let session) = effect {
                self.dispatch(owner) { dispatch, effects in
                    dispatch.ended(session, [grant.lease.key], effects: &effects)
                    dispatch.credit(session, 1, effects: &effects)
                }
            } else if case .ungranted(let offer, let session) = effect {
                self.dispatch(owner) { $0.ungranted(session, offer, effects: &$1) }
            }
        }
    }

    /// Credit that was set aside for grants which will not happen.
    mutating func giveBack(_ event: ShardEvent, of owner: Int) {
        guard case .grant(let grants) = event else { return }
        for grant in grants { self.dispatch(owner) { $0.ungranted(grant.session, grant.offer, effects: &$1) } }
    }

    mutating func perform(_ effects: [ShardEffect], of shard: ShardID, by owner: Int) {
        guard let epoch = self.owners[owner].seats[shard]?.epoch else { return }
        let life = self.owners[owner].life
        var offers: [WorkOffer] = []
        for effect in effects {
            switch effect {
            case .ready(let offer): offers.append(offer)
            case .send(let grant, let session): self.send(grant, session, by: owner)
            case .ungranted(let offer, let session):
                self.dispatch(owner) { $0.ungranted(session, offer, effects: &$1) }
            case .adopted(let lease, let session):
                self.count("adopted")
                self.adopted(lease, session, by: owner)
            case .stop(let lease, let worker): self.tell(.cancel([lease]), worker, by: owner)
            case .revoke(let lease, let worker):
                guard let session = self.owners[owner].session(of: worker) else { continue }
                self.dispatch(owner) { $0.ended(session, [lease.key], effects: &$1) }
                self.owners[owner].directory.releases(worker, [lease])
                self.tell(.lost([lease]), worker, by: owner)
            case .answer(let lease, let answer, let session):
                if answer == .accepted { self.ledger.accepted(lease) }
                self.answer(lease, answer, session, by: owner)
            case .finished(let run, _): self.dispatch(owner) { dispatch, _ in dispatch.finished(run) }
            case .left, .reply: break
            case .unreadable(let run, let message): self.ledger.blame("run \(run) is unreadable: \(message)")
            case .lookUp(let lease, let session):
                self.arrange(in: self.draw.span(1...20), .lookUp(owner: owner, life: life, lease, session))
            case .load, .loadPage:
                self.arrange(in: self.draw.span(1...50), .read(owner: owner, life: life, shard, epoch, effect))
            case .wake(let at): self.arrange(at: at, .tell(owner: owner, life: life, shard, epoch, .tick))
            }
        }
        if !offers.isEmpty { self.dispatch(owner) { $0.ready(offers, effects: &$1) } }
    }

    mutating func dispatch(_ owner: Int, _ change: (inout Dispatch, inout [Dispatch.Effect]) -> Void) {
        var effects: [Dispatch.Effect] = []
        change(&self.owners[owner].dispatch, &effects)
        for effect in effects {
            switch effect {
            case .demand(let session, let count): self.send([.demand(count)], to: session, by: owner)
            case .grant(let grant):
                guard !self.post(.grant([grant]), to: grant.offer.key.run.shard, of: owner) else { continue }
                self.dispatch(owner) { $0.ungranted(grant.session, grant.offer, effects: &$1) }
            }
        }
    }

    // MARK: What a connection of the coordinator does

    private mutating func send(_ grant: LeaseGrant, _ session: SessionID, by owner: Int) {
        self.count("grants")
        let lease = grant.lease
        if !self.isTrusted(lease.shard, by: owner) { self.ledger.blame("\(lease) goes out without trust") }
        guard let worker = self.owners[owner].workers[session] else { return self.lose([lease], .unstarted, by: owner) }
        let isHeld = self.owners[owner].directory
            .holds(worker, lease, state: grant.state, on: session, at: self.now)
        // The place of a mistake: nobody will ever say that this lease is lost.
        if !isHeld, self.options.bug == .leaseIntoTheVoid { return }
        guard isHeld else { return self.lose([lease], .unstarted, by: owner) }
        // An owner that was paused between its commit and this may send what its successor has declared lost: the token
        // is worth nothing any more, and the loss left the doubt that it deserves.
        let isCurrent = self.store.epoch(of: lease.shard, at: self.now) == lease.token.epoch
        if isCurrent { self.ledger.granted(lease) } else { self.count("late grants") }
        self.send([.leases([grant])], to: session, by: owner)
    }

    private mutating func adopted(_ lease: LeaseRef, _ session: SessionID, by owner: Int) {
        self.dispatch(owner) { dispatch, _ in dispatch.adopted(session, [lease.key]) }
        guard let worker = self.owners[owner].workers[session],
            self.owners[owner].directory.adopts(worker, lease, on: session, at: self.now)
        else { return self.lose([lease], .workerGone, by: owner) }
    }

    mutating func answer(_ lease: LeaseRef, _ answer: ReportAnswer, _ session: SessionID, by owner: Int) {
        if answer == .lost {
            if let worker = self.owners[owner].workers[session] {
                self.owners[owner].directory.releases(worker, [lease])
            }
            if self.options.bug == .refusalUnheard { return }
        }
        self.send([.answers([LeaseAnswer(lease: lease, answer: answer)])], to: session, by: owner)
    }

    mutating func lose(_ leases: [LeaseRef], _ reason: LossReason, by owner: Int) {
        for lease in leases {
            self.count("leases lost")
            self.post(.lost([lease], reason), to: lease.shard, of: owner)
        }
    }

    private mutating func tell(_ frame: CoordinatorFrame, _ worker: WorkerID, by owner: Int) {
        guard let session = self.owners[owner].session(of: worker) else { return }
        self.send([frame], to: session, by: owner)
    }
}
