// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
internal import Logging

extension EngineHost {
    /// Performs what follows from a commit.
    func perform(_ effects: [ShardEffect], of shell: ShardShell) {
        shell.tell(effects)
        var offers: [WorkOffer] = []
        var finished: [RunID] = []
        var deliveries = Deliveries()
        self.follow(effects)
        let list = effects.span
        for place in list.indices {
            switch list[place] {
            case .ready(let offer): offers.append(offer)
            case .send(let grant, let session): deliveries.add(.lease(grant), to: session)
            case .followed: break  // done above
            case .unused(let session, let count): self.unused(session, count)
            case .ungranted(let offer, let session): self.dispatch { $0.ungranted(session, offer, effects: &$1) }
            case .claimed(let lease, let limits, let since):
                self.dispatch { dispatch, _ in dispatch.claimed(lease, limits, since: since) }
            case .adopted(let lease, let session):
                self.dispatch { dispatch, _ in dispatch.adopted(session, [lease.key]) }
                deliveries.add(.adopted(lease), to: session)
            case .stop(let lease, let worker):
                self.session(of: worker).map { deliveries.add(.stop(lease), to: $0) }
            case .revoke(let lease, let worker):
                self.dispatch { $0.freed([lease], effects: &$1) }
                guard let session = self.session(of: worker) else { continue }
                self.dispatch { $0.ended(session, [lease.key], effects: &$1) }
                deliveries.add(.lost(lease), to: session)
            case .answer(let lease, let answer, let session):
                deliveries.add(.answer(LeaseAnswer(lease: lease, answer: answer)), to: session)
            case .checkpointed(let lease, let number, let answer, let session):
                let answer = CheckpointAnswer(lease: lease, number: number, answer: answer)
                deliveries.add(.checkpointed(answer), to: session)
            case .left(let run, let visit):
                for session in self.sessions.withLock({ Array($0.keys) }) {
                    deliveries.add(.left(run, visit: visit), to: session)
                }
            case .posted: self.ringForMail()
            case .reply(let request, let reply): self.requests.reply(request, reply)
            case .finished(let run, let outcome, let finish):
                self.finishes.finished(run, RunEnd(outcome: outcome, finish: finish))
                finished.append(run)
            case .unreadable(let run, let message):
                self.logger.error("run cannot be read back", metadata: ["run": "\(run)", "error": "\(message)"])
            case .lookUp, .load, .loadPage:
                self.time.busy(1)
                self.loads.post(LoadOrder(shell: shell, effect: list[place]))
            case .wake(let at): self.alarm.set(.shard(shell.shard), at: at)
            }
        }
        for (session, deliveries) in deliveries.all { self.deliver(deliveries, to: session) }
        guard !offers.isEmpty || !finished.isEmpty else { return }
        self.dispatch(isLimited: offers.contains { $0.limits != nil }) { dispatch, effects in
            for run in finished { dispatch.finished(run) }
            if !offers.isEmpty { dispatch.ready(offers, effects: &effects) }
        }
    }

    /// Work was granted in slots that were kept for it: the queue knows before anybody can report on it.
    private func follow(_ effects: [ShardEffect]) {
        guard effects.contains(where: { if case .followed = $0 { true } else { false } }) else { return }
        self.dispatch { dispatch, _ in
            for case .followed(let work, let session) in effects { dispatch.followed(session, work) }
        }
    }

    /// Changes the dispatch queue, then does what it asks for.
    ///
    /// It is told the time once work with declared limits has been seen; `isLimited` says that this is the first.
    func dispatch(isLimited: Bool = false, _ change: (inout Dispatch, inout [Dispatch.Effect]) -> Void) {
        let effects = self.dispatch.withLock { dispatch in
            var effects: [Dispatch.Effect] = []
            if isLimited || dispatch.usesLimits { dispatch.advance(to: self.clock.now(), effects: &effects) }
            change(&dispatch, &effects)
            return effects
        }
        var grants: [ShardID: [Grant]] = [:]
        for effect in effects {
            switch effect {
            case .grant(let grant): grants[grant.offer.key.run.shard, default: []].append(grant)
            case .demand(let session, let count): self.deliver([.demand(count)], to: session)
            case .wake(let at): self.alarm.set(.dispatch, at: at)
            }
        }
        for (shard, grants) in grants where !self.post(.grant(grants), to: shard) {
            // The shard is not ours any more: its work is somebody else's, the credit is free.
            self.dispatch { dispatch, effects in
                for grant in grants { dispatch.ungranted(grant.session, grant.offer, effects: &effects) }
            }
        }
    }

    func deliver(_ deliveries: [Delivery], to session: SessionID) {
        let receiver = self.sessions.withLock { $0[session] }
        let undelivered = receiver.map { $0.deliver(deliveries) } ?? deliveries
        // The connection is gone: nobody will ever report what it was given.
        for delivery in undelivered {
            switch delivery {
            case .lease(let grant):
                self.dispatch { $0.freed([grant.lease], effects: &$1) }
                self.post(.lost([grant.lease], .unstarted), to: grant.lease.shard)
            case .adopted(let lease):
                self.dispatch { $0.freed([lease], effects: &$1) }
                self.post(.lost([lease], .workerGone), to: lease.shard)
            case .stop, .lost, .answer, .checkpointed, .left, .demand, .owned, .notOwner: break
            }
        }
    }

    private func session(of worker: WorkerID) -> SessionID? {
        self.sessionsOfWorkers.withLock { $0[worker] }
    }
}
