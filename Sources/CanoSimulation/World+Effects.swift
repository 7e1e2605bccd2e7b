// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension World {
    /// Performs what follows from a commit.
    mutating func perform(_ effects: [ShardEffect], of shard: ShardID, by owner: Int) {
        guard let epoch = self.owners[owner].seats[shard]?.epoch else { return }
        let life = self.owners[owner].life
        var offers: [WorkOffer] = []
        for effect in effects {
            switch effect {
            case .ready(let offer): offers.append(offer)
            case .send(let grant, let session): self.send(grant, session, by: owner)
            case .followed(let work, let session):
                self.count("followed")
                self.dispatch(owner) { dispatch, _ in dispatch.followed(session, work) }
            case .unused(let session, let count): self.dispatch(owner) { $0.unused(session, count, effects: &$1) }
            case .ungranted(let offer, let session):
                self.dispatch(owner) { $0.ungranted(session, offer, effects: &$1) }
            case .claimed(let lease, let limits, let since):
                self.dispatch(owner) { dispatch, _ in dispatch.claimed(lease, limits, since: since) }
            case .adopted(let lease, let session):
                self.count("adopted")
                self.adopted(lease, session, by: owner)
            case .stop(let lease, let worker): self.tell(.stop(lease), worker, by: owner)
            case .revoke(let lease, let worker):
                self.end(lease, by: owner)
                self.tell(.lost(lease), worker, by: owner)
            case .answer(let lease, let answer, let session):
                if answer == .accepted { self.ledger.accepted(lease) }
                self.send(.answer(lease, answer), to: session, by: owner)
            case .checkpointed(let lease, _, let answer, let session):
                self.send(.checkpointed(lease, answer), to: session, by: owner)
            case .left, .reply, .finished, .posted: break
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
        self.owners[owner].dispatch.advance(to: self.now, effects: &effects)
        change(&self.owners[owner].dispatch, &effects)
        for effect in effects {
            if case .wake(let at) = effect {
                self.arrange(at: at, .nudge(owner: owner, life: self.owners[owner].life))
            }
            guard case .grant(let grant) = effect else { continue }
            guard !self.post(.grant([grant]), to: grant.offer.key.run.shard, of: owner) else { continue }
            self.dispatch(owner) { $0.ungranted(grant.session, grant.offer, effects: &$1) }
        }
    }

    private mutating func send(_ grant: LeaseGrant, _ session: SessionID, by owner: Int) {
        self.count("grants")
        guard self.owners[owner].sessions[session] != nil else {
            // Its connection is gone: nobody will ever report.
            self.dispatch(owner) { $0.freed([grant.lease], effects: &$1) }
            self.post(.lost([grant.lease], .unstarted), to: grant.lease.shard, of: owner)
            return
        }
        // An owner that was paused between its commit and this may send what its successor has declared lost: the token
        // is worth nothing any more, and the loss left the doubt that it deserves.
        let isCurrent = self.store.epoch(of: grant.lease.shard, at: self.now) == grant.lease.token.epoch
        if isCurrent { self.ledger.granted(grant.lease) } else { self.count("late grants") }
        self.owners[owner].sessions[session]?.leases.insert(grant.lease)
        self.send(.lease(grant), to: session, by: owner)
    }

    private mutating func adopted(_ lease: LeaseRef, _ session: SessionID, by owner: Int) {
        self.owners[owner].forget(lease)
        self.dispatch(owner) { dispatch, _ in dispatch.adopted(session, [lease.key]) }
        if self.owners[owner].sessions[session] == nil {
            // The connection broke meanwhile; its worker may come back.
            let until = self.now.advanced(by: self.options.leaseTTL)
            self.owners[owner].orphans.append(SimulatedOwner.Orphans(leases: [lease], until: until))
        } else {
            self.owners[owner].sessions[session]?.leases.insert(lease)
        }
    }

    /// A lease is over for its session.
    private mutating func end(_ lease: LeaseRef, by owner: Int) {
        self.dispatch(owner) { $0.freed([lease], effects: &$1) }
        for (id, session) in self.owners[owner].sessions where session.leases.contains(lease) {
            self.dispatch(owner) { $0.ended(id, [lease.key], effects: &$1) }
        }
        self.owners[owner].forget(lease)
    }

    private mutating func tell(_ message: OwnerMessage, _ worker: WorkerID, by owner: Int) {
        guard let number = Int(worker.rawValue.split(separator: "-").dropFirst().first ?? ""),
            let session = self.owners[owner].session(of: number)
        else { return }
        self.send(message, to: session, by: owner)
    }

    func name(of worker: Int) -> WorkerID { WorkerID(rawValue: "worker-\(worker)-\(self.workers[worker].life)") }

    // MARK: What workers say

    mutating func hear(_ message: WorkerMessage, from link: Link, _ session: SessionID) {
        let owner = link.owner
        guard self.owners[owner].sessions[session] != nil else { return }
        self.owners[owner].sessions[session]?.heardAt = self.now
        let worker = self.name(of: link.worker)
        switch message {
        case .beat(let sentAt): self.send(.beat(sentAt: sentAt), to: session, by: owner)
        case .credit(let count): self.dispatch(owner) { $0.credit(session, count, effects: &$1) }
        case .started(let leases):
            for lease in leases { self.post(.started([lease]), to: lease.shard, of: owner) }
        case .checkpoints(let checkpoints):
            for one in checkpoints {
                self.post(.checkpoints([one], from: session, worker: worker), to: one.lease.shard, of: owner)
            }
        case .offers(let leases):
            for lease in leases {
                self.post(.offered([lease], from: session, worker: worker), to: lease.shard, of: owner)
            }
        case .reports(let reports):
            for report in reports {
                var kept = 0
                self.dispatch(owner) { dispatch, effects in
                    kept = dispatch.reported(session, [report], credit: 0, effects: &effects)
                }
                self.owners[owner].forget(report.lease)
                for report in self.spoiled(report, of: owner) {
                    let event = ShardEvent.reports([report], from: session, worker: worker, slots: kept)
                    if !self.post(event, to: report.lease.shard, of: owner) {
                        self.dispatch(owner) { $0.unused(session, kept, effects: &$1) }
                    }
                    kept = 0
                }
            }
        }
    }

    /// The place where two mistakes can be planted.
    private func spoiled(_ report: AttemptReport, of owner: Int) -> [AttemptReport] {
        let key = report.lease.key
        guard let run = self.owners[owner].seats[key.run.shard]?.shard.run(key.run) else { return [report] }
        switch self.options.bug {
        case .tokenIgnored:
            guard let unit = run.unit(key.path, visit: key.visit), let lease = unit.lease else { return [report] }
            var forged = report
            forged.lease = LeaseRef(key: key, attempt: unit.attempt, token: lease.token)
            return [forged]
        case .joinTwice:
            guard case .completed(.output) = report.result,
                let other = run.leases.first(where: { $0.0.key.path != key.path })
            else { return [report] }
            return [report, AttemptReport(lease: other.0, result: report.result)]
        case .epochIgnored, .actBeforeCommit, .undoOrder, .lossUnrecorded, nil: return [report]
        }
    }

    // MARK: Connections

    mutating func connect(_ link: Link) {
        guard self.links[link] == nil, self.workers[link.worker].isUp else { return }
        guard self.owners[link.owner].isUp, self.owners[link.owner].pausedUntil <= self.now else {
            return self.arrange(in: self.draw.span(200...800), .connect(link))
        }
        self.lastSession += 1
        let session = SessionID(rawValue: self.lastSession)
        self.links[link] = session
        self.arrivals[session] = (self.now, self.now)
        let state = SimulatedOwner.Session(worker: link.worker, heardAt: self.now)
        self.owners[link.owner].sessions[session] = state
        let name = self.name(of: link.worker)
        self.dispatch(link.owner) { dispatch, _ in
            dispatch.connected(session, worker: name, capabilities: [.handler("work")])
        }
        self.send(.owned(self.owners[link.owner].ownership.held), to: session, by: link.owner)
        self.beginSession(link)
    }

    /// The connection breaks: messages on their way are gone, and both sides notice.
    mutating func cut(_ link: Link) {
        guard let session = self.links.removeValue(forKey: link) else { return }
        self.count("cuts")
        self.arrivals[session] = nil
        self.endSession(link)
        self.arrange(in: self.draw.span(50...1_500), .connect(link))
        guard let state = self.owners[link.owner].sessions.removeValue(forKey: session) else { return }
        self.dispatch(link.owner) { _ = $0.withdraw(session, isGone: true, effects: &$1) }
        let until = self.now.advanced(by: self.options.leaseTTL)
        self.owners[link.owner].orphans.append(SimulatedOwner.Orphans(leases: state.leases, until: until))
    }

    mutating func checkSessions(_ owner: Int) {
        for id in self.owners[owner].sessions.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            guard let session = self.owners[owner].sessions[id] else { continue }
            guard session.heardAt.advanced(by: self.options.leaseTTL) <= self.now else { continue }
            self.owners[owner].sessions[id]?.leases = []
            self.cut(Link(worker: session.worker, owner: owner))
            self.lose(session.leases, .workerMute, by: owner)
        }
        let due = self.owners[owner].orphans.filter { $0.until <= self.now }
        self.owners[owner].orphans.removeAll { $0.until <= self.now }
        for orphans in due { self.lose(orphans.leases, .workerGone, by: owner) }
        self.arrange(in: Span(milliseconds: 250), .checkSessions(owner: owner, life: self.owners[owner].life))
    }

    private mutating func lose(_ leases: Set<LeaseRef>, _ reason: LossReason, by owner: Int) {
        for lease in leases.sorted(by: { $0.rank < $1.rank }) {
            self.count("leases lost")
            self.dispatch(owner) { $0.freed([lease], effects: &$1) }
            self.post(.lost([lease], reason), to: lease.shard, of: owner)
        }
    }

    mutating func send(_ message: OwnerMessage, to session: SessionID, by owner: Int) {
        guard let worker = self.owners[owner].sessions[session]?.worker, var arrival = self.arrivals[session]
        else { return }
        arrival.toWorker = max(arrival.toWorker, self.now.advanced(by: self.draw.span(1...30)))
        self.arrivals[session] = arrival
        self.arrange(at: arrival.toWorker, .toWorker(Link(worker: worker, owner: owner), session, message))
    }

    mutating func send(_ message: WorkerMessage, on link: Link) {
        guard let session = self.links[link], var arrival = self.arrivals[session] else { return }
        arrival.toOwner = max(arrival.toOwner, self.now.advanced(by: self.draw.span(1...30)))
        self.arrivals[session] = arrival
        self.arrange(at: arrival.toOwner, .toOwner(link, session, message))
    }
}
