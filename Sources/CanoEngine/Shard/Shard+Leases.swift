// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import DequeModule

extension Shard {
    mutating func grant(_ grant: Grant, at now: Instant, into output: inout ShardOutput) {
        let key = grant.offer.key
        guard case .open = self.phase, let index = self.residents.index(forKey: key.run) else {
            return output.effects.append(.ungranted(grant.offer, grant.session))
        }
        guard let lease = self.lease(index, grant.offer, to: grant.worker, at: now, into: &output) else {
            return output.effects.append(.ungranted(grant.offer, grant.session))
        }
        output.effects.append(.send(lease, grant.session))
    }

    /// Grants what follows in a run that was just reported on to the same worker at once, in a slot that was kept.
    ///
    /// That saves the way through the queues; it is only kept when nothing waits there.
    mutating func follow(
        _ index: Dictionary<RunID, Resident>.Index,
        _ offer: WorkOffer,
        at now: Instant,
        into output: inout ShardOutput
    ) -> Bool {
        guard self.kept.count > 0, offer.limits == nil, !offer.isExclusive, offer.avoided == nil,
            offer.capability == self.kept.capability, self.residents.values[index].isRecovered,
            let lease = self.lease(index, offer, to: self.kept.worker, at: now, into: &output)
        else { return false }
        self.kept.count -= 1
        output.effects.append(.followed(offer.key, self.kept.session))
        output.effects.append(.send(lease, self.kept.session))
        return true
    }

    private mutating func lease(
        _ index: Dictionary<RunID, Resident>.Index,
        _ offer: WorkOffer,
        to worker: WorkerID,
        at now: Instant,
        into output: inout ShardOutput
    ) -> LeaseGrant? {
        let (key, token) = (offer.key, self.nextToken())
        let granted = self.residents.values[index].run
            .grant(key, attempt: offer.attempt, token: token, worker: worker, at: now)
        guard let (lease, precautions) = granted else { return nil }
        self.served(index, into: &output)
        if precautions.isWary { self.record(index, lease.lease, at: now, into: &output) }
        self.watch(lease.lease, at: now, into: &output)
        self.limit(lease.lease, of: worker, to: lease.timeout, since: now, at: now, effects: &output.effects)
        if let second = precautions.hedgeAt { self.lookAgain(at: key, for: second, at: now, effects: &output.effects) }
        return lease
    }

    /// Records at once who gets work that was lost with an owner, when workers live in its process.
    ///
    /// Should the work kill that process again, the next owner knows that it ran then.
    private mutating func record(
        _ index: Dictionary<RunID, Resident>.Index,
        _ lease: LeaseRef,
        at now: Instant,
        into output: inout ShardOutput
    ) {
        guard case .within = self.workers else { return }
        let decision = self.residents.values[index].run.hold(lease)
        self.conclude(index, decision, at: now, into: &output)
    }

    /// The epoch of the last owner, when its workers died with it.
    var lastDied: Epoch? {
        guard case .within(lastDied: true) = self.workers else { return nil }
        return Epoch(rawValue: self.epoch.rawValue - 1)
    }

    /// Ends a lease some time after its timeout.
    ///
    /// The worker enforces the timeout; this is for one that does not.
    mutating func limit(
        _ lease: LeaseRef,
        of worker: WorkerID,
        to timeout: Span?,
        since start: Instant,
        at now: Instant,
        effects: inout [ShardEffect]
    ) {
        guard let timeout else { return }
        let late = start.advanced(by: timeout).advanced(by: self.limits.settleTime)
        self.remember(Timer(at: late, run: lease.key.run, purpose: .overdue(lease, worker)), at: now, effects: &effects)
    }

    /// Looks at work again when a second worker may be given the same attempt.
    private mutating func lookAgain(
        at key: WorkKey,
        for second: Instant,
        at now: Instant,
        effects: inout [ShardEffect]
    ) {
        self.remember(Timer(at: second, run: key.run, purpose: .wake(key.path)), at: now, effects: &effects)
    }

    /// Looks at a lease again when it is old enough to be recorded.
    private mutating func watch(_ lease: LeaseRef, at now: Instant, into output: inout ShardOutput) {
        let before = self.nextWake
        self.holds.append((now.advanced(by: self.limits.holdTime), lease))
        if self.nextWake < before { output.effects.append(.wake(at: self.nextWake)) }
    }

    mutating func report(
        _ report: AttemptReport,
        _ session: SessionID,
        _ worker: WorkerID,
        at now: Instant,
        into output: inout ShardOutput
    ) {
        let lease = report.lease
        let run = lease.key.run
        guard let index = self.residents.index(forKey: run) else {
            // Under this epoch a run that is not here is over. Under an earlier one it may not have been read yet, and
            // the outcome would be lost to whoever answers now.
            if lease.token.epoch == self.epoch || (self.backlog == .none && !self.loading.contains(run)) {
                return output.effects.append(.lookUp(lease, session))
            }
            return self.load(run, for: .reports([report], from: session, worker: worker), into: &output)
        }
        // An outcome that outlived its owner: the worker still held the lease, so it is adopted first.
        let isAdopted =
            lease.token.epoch < self.epoch && self.residents.values[index].run.adopt(lease, worker: worker, at: now)
        if isAdopted, !self.residents.values[index].isRecovered {
            let event = ShardEvent.reports([report], from: session, worker: worker)
            return self.awaiting[run, default: []].append(event)
        }
        if self.kept.count > 0 {
            self.kept.capability = self.residents.values[index].run.task(lease.key.path)?.capability
        }
        let (answer, decision) = self.residents.values[index].run.apply(report, at: now)
        guard answer == .accepted else { return output.effects.append(.lookUp(lease, session)) }
        output.effects.append(.answer(lease, .accepted, session))
        self.conclude(index, decision, at: now, into: &output)
    }

    mutating func checkpoint(
        _ checkpoint: LeaseCheckpoint,
        _ session: SessionID,
        _ worker: WorkerID,
        at now: Instant,
        into output: inout ShardOutput
    ) {
        let lease = checkpoint.lease
        let run = lease.key.run
        guard let index = self.residents.index(forKey: run) else {
            if lease.token.epoch == self.epoch || (self.backlog == .none && !self.loading.contains(run)) {
                return output.effects.append(.checkpointed(lease, number: checkpoint.number, .lost, session))
            }
            return self.load(run, for: .checkpoints([checkpoint], from: session, worker: worker), into: &output)
        }
        // A worker offers its leases to a new owner before it says anything else about them.
        guard self.residents.values[index].isRecovered else {
            return self.awaiting[run, default: []].append(.checkpoints([checkpoint], from: session, worker: worker))
        }
        let (answer, decision) = self.residents.values[index].run.checkpoint(lease, checkpoint.cursor, at: now)
        output.effects.append(.checkpointed(lease, number: checkpoint.number, answer, session))
        self.conclude(index, decision, at: now, into: &output)
    }

    mutating func offer(
        _ lease: LeaseRef,
        _ session: SessionID,
        _ worker: WorkerID,
        at now: Instant,
        into output: inout ShardOutput
    ) {
        let run = lease.key.run
        guard let index = self.residents.index(forKey: run) else {
            if self.backlog == .none, !self.loading.contains(run) {
                return output.effects.append(.answer(lease, .lost, session))
            }
            return self.load(run, for: .offered([lease], from: session, worker: worker), into: &output)
        }
        guard self.residents.values[index].run.adopt(lease, worker: worker, at: now) else {
            return output.effects.append(.answer(lease, .lost, session))
        }
        self.claim(lease, of: self.residents.values[index].run, effects: &output.effects)
        output.effects.append(.adopted(lease, session))
        self.watch(lease, at: now, into: &output)
        let timeout = self.residents.values[index].run.timeout(of: lease.key.path)
        let unit = self.residents.values[index].run.unit(lease.key.path, visit: lease.key.visit)
        guard let adopted = unit?.lease(under: lease.token) else { return }
        if let second = self.residents.values[index].run.precautions(for: lease.key).hedgeAt {
            self.lookAgain(at: lease.key, for: second, at: now, effects: &output.effects)
        }
        if adopted.isStopping {
            output.effects.append(.stop(lease, worker))
            self.limit(lease, of: worker, to: Span(milliseconds: 0), since: now, at: now, effects: &output.effects)
        } else {
            self.limit(lease, of: worker, to: timeout, since: adopted.since, at: now, effects: &output.effects)
        }
    }

    /// A lease of an earlier owner counts against the limits of its work.
    private func claim(_ lease: LeaseRef, of run: Run, effects: inout [ShardEffect]) {
        guard let limits = run.limits(of: lease.key.path),
            let held = run.unit(lease.key.path, visit: lease.key.visit)?.lease
        else { return }
        effects.append(.claimed(lease, limits, since: held.since))
    }

    mutating func lost(
        _ lease: LeaseRef,
        _ reason: LossReason,
        at now: Instant,
        into output: inout ShardOutput
    ) {
        guard let index = self.residents.index(forKey: lease.key.run) else { return }
        guard self.residents.values[index].isRecovered else {
            return self.awaiting[lease.key.run, default: []].append(.lost([lease], reason))
        }
        let decision = self.residents.values[index].run.lost(lease, reason, at: now)
        self.conclude(index, decision, at: now, into: &output)
    }
}
