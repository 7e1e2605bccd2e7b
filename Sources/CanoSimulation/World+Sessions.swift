// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension World {
    // MARK: The network

    /// A worker's connection is asked for; the owner may not be there.
    mutating func connect(_ link: Link) {
        let life = self.workers[link.worker].life
        guard self.owners[link.owner].isUp, self.links[link] == nil else {
            return self.arrange(in: self.draw.span(1...20), .closed(worker: link.worker, life: life, link))
        }
        self.lastSession += 1
        let session = SessionID(rawValue: self.lastSession)
        self.links[link] = session
        self.arrivals[session] = Arrivals(link: link, toOwner: self.now, toWorker: self.now)
        self.tell(link.worker, [.opened(WorkerMachine.Link(rawValue: link.owner))])
    }

    /// The connection breaks: messages on their way are gone, and both sides notice.
    mutating func cut(_ link: Link) {
        guard let session = self.links.removeValue(forKey: link) else { return }
        self.count("cuts")
        self.arrivals[session] = nil
        let life = self.workers[link.worker].life
        self.arrange(in: self.draw.span(1...20), .closed(worker: link.worker, life: life, link))
        self.leave(session, of: link.owner)
    }

    mutating func send(_ frames: [CoordinatorFrame], to session: SessionID, by owner: Int) {
        guard var arrivals = self.arrivals[session] else { return }
        arrivals.toWorker = max(arrivals.toWorker, self.now.advanced(by: self.draw.span(1...30)))
        self.arrivals[session] = arrivals
        self.arrange(at: arrivals.toWorker, .toWorker(arrivals.link, session, frames))
    }

    mutating func send(_ frames: [WorkerFrame], on link: Link) {
        guard let session = self.links[link], var arrivals = self.arrivals[session] else { return }
        arrivals.toOwner = max(arrivals.toOwner, self.now.advanced(by: self.draw.span(1...30)))
        self.arrivals[session] = arrivals
        self.arrange(at: arrivals.toOwner, .toOwner(link, session, frames))
    }

    /// Closes a connection behind what was sent on it.
    mutating func close(_ session: SessionID) {
        guard let arrivals = self.arrivals[session] else { return }
        let last = max(arrivals.toOwner, arrivals.toWorker).advanced(by: Span(milliseconds: 1))
        self.arrange(at: last, .close(arrivals.link, session))
    }

    // MARK: What workers say to an owner

    mutating func hear(_ frames: [WorkerFrame], from link: Link, _ session: SessionID) {
        for frame in frames {
            if case .hello(let hello) = frame {
                self.admit(hello, session, of: link.owner)
            } else if let worker = self.owners[link.owner].workers[session],
                self.owners[link.owner].directory.heard(worker, on: session, at: self.now)
            {
                self.hear(frame, of: worker, session, by: link.owner)
            } else {
                return self.close(session)
            }
        }
    }

    private mutating func admit(_ hello: WorkerFrame.Hello, _ session: SessionID, of owner: Int) {
        switch self.owners[owner].directory.greet(hello, on: session, at: self.now) {
        case .outdated:
            self.send([.refused(code: "protocolViolation", message: "outdated")], to: session, by: owner)
            return self.close(session)
        case .welcome(let replaced):
            if let replaced {
                self.disconnect(replaced, of: owner)
                self.close(replaced)
            }
        }
        self.owners[owner].workers[session] = hello.worker
        let welcome = CoordinatorFrame.Welcome(
            ttl: self.options.leaseTTL,
            frameBytes: self.options.limits.frameBytes,
            payloadBytes: self.options.limits.payloadBytes
        )
        self.dispatch(owner) { dispatch, _ in
            dispatch.connected(session, worker: hello.worker, capabilities: [.handler("work")])
        }
        let held = self.owners[owner].ownership.held
        self.send([.welcome(welcome), .owned(held)], to: session, by: owner)
    }

    private mutating func hear(_ frame: WorkerFrame, of worker: WorkerID, _ session: SessionID, by owner: Int) {
        switch frame {
        case .hello, .progress: break
        case .heartbeat(let number): self.send([.heartbeat(number)], to: session, by: owner)
        case .credit(let count):
            guard !self.owners[owner].seats.isEmpty else {
                return self.send([.recalled(count)], to: session, by: owner)
            }
            self.dispatch(owner) { $0.credit(session, count, effects: &$1) }
        case .started(let leases):
            for lease in leases { self.post(.started([lease]), to: lease.shard, of: owner) }
        case .resume(let leases):
            for lease in leases {
                self.pass(.offered([lease], from: session, worker: worker), of: lease.shard, session, by: owner)
            }
        case .reports(let reports):
            for report in reports {
                self.owners[owner].directory.releases(worker, [report.lease])
                self.dispatch(owner) { $0.ended(session, [report.lease.key], effects: &$1) }
                for report in self.spoiled(report, of: owner) {
                    let event = ShardEvent.reports([report], from: session, worker: worker)
                    self.pass(event, of: report.lease.shard, session, by: owner)
                }
            }
        case .draining: self.recall(session, of: owner)
        }
    }

    private mutating func pass(_ event: ShardEvent, of shard: ShardID, _ session: SessionID, by owner: Int) {
        if self.post(event, to: shard, of: owner) { return }
        self.send([.notOwner(shard, Epoch(rawValue: 0), address: nil)], to: session, by: owner)
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
        case .epochIgnored, .actBeforeCommit, .undoOrder, .lossUnrecorded, .refusalUnheard, .leaseIntoTheVoid,
            .trustNotAsked, nil:
            return [report]
        }
    }

    // MARK: Sessions of an owner

    /// A connection is gone, for its owner.
    private mutating func leave(_ session: SessionID, of owner: Int) {
        if let worker = self.owners[owner].workers[session] {
            self.owners[owner].directory.closed(worker, on: session, at: self.now)
        }
        self.disconnect(session, of: owner)
        self.owners[owner].workers[session] = nil
    }

    private mutating func disconnect(_ session: SessionID, of owner: Int) {
        self.dispatch(owner) { _ = $0.withdraw(session, isGone: true, effects: &$1) }
    }

    private mutating func recall(_ session: SessionID, of owner: Int) {
        var credit = 0
        self.dispatch(owner) { credit = $0.withdraw(session, isGone: false, effects: &$1) }
        if credit > 0 { self.send([.recalled(credit)], to: session, by: owner) }
    }

    mutating func checkSessions(_ owner: Int) {
        for departure in self.owners[owner].directory.tick(at: self.now) {
            if let session = departure.connection { self.disconnect(session, of: owner) }
            self.lose(departure.leases, departure.reason, by: owner)
            guard let session = departure.connection else { continue }
            self.send([.lost(departure.leases)], to: session, by: owner)
            self.close(session)
        }
        self.owners[owner].checks += 1
        if self.owners[owner].checks % 5 == 0, self.owners[owner].seats.count < Self.shards.count {
            var recalled: [SessionID: Int] = [:]
            self.dispatch(owner) { recalled = $0.recallIdle(effects: &$1) }
            for (session, credit) in recalled.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                self.send([.recalled(credit)], to: session, by: owner)
            }
        }
        self.arrange(in: Span(milliseconds: 200), .checkSessions(owner: owner, life: self.owners[owner].life))
    }
}
