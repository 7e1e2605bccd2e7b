// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import DequeModule
internal import HeapModule

extension Shard {
    /// The only place where a shard changes.
    public mutating func apply(_ event: ShardEvent, at now: Instant, into output: inout ShardOutput) {
        self.reduce(event, at: now, into: &output)
        self.deliverOutbox(at: now, into: &output)
    }

    private mutating func reduce(_ event: ShardEvent, at now: Instant, into output: inout ShardOutput) {
        switch event {
        case .start(let orders):
            for order in orders { self.start(order, at: now, into: &output) }
        case .audit(let entry):
            output.batch.audit.append(entry)
        case .grant(let grants):
            for grant in grants { self.grant(grant, at: now, into: &output) }
        case .started(let leases):
            for lease in leases { self.residents[lease.key.run]?.run.started(lease) }
        case .reports(let reports, let session, let worker):
            for report in reports { self.report(report, session, worker, at: now, into: &output) }
        case .checkpoints(let checkpoints, let session, let worker):
            for checkpoint in checkpoints { self.checkpoint(checkpoint, session, worker, at: now, into: &output) }
        case .offered(let leases, let session, let worker):
            for lease in leases { self.offer(lease, session, worker, at: now, into: &output) }
        case .lost(let leases, let reason):
            for lease in leases { self.lost(lease, reason, at: now, into: &output) }
        case .cancel(let order):
            self.cancel(order, at: now, into: &output)
        case .order(let order):
            self.carryOut(order, at: now, into: &output)
        case .define(let plan):
            self.add(plan)
        case .unserved(let runs):
            self.unserved(runs, at: now, into: &output)
        case .mail(let stored):
            self.read(stored, at: now, into: &output)
        case .loaded(let run, let stored):
            self.loaded(run, stored, at: now, into: &output)
        case .page(let runs, let waitingOnly, let isLast):
            self.page(runs, waitingOnly: waitingOnly, isLast: isLast, at: now, into: &output)
        case .tick:
            self.tick(at: now, into: &output)
        }
    }

    /// What is to be done once the commit has been answered: starts whose key was taken are forgotten.
    public mutating func committed(_ refused: [RunID: KeyedRun], effects: [ShardEffect]) -> [ShardEffect] {
        guard !refused.isEmpty else { return effects }
        for run in refused.keys { self.residents[run] = nil }
        // There may be room now for runs that were left out.
        return [.wake(at: self.takenAt)]
            + effects.compactMap { effect in
                switch effect {
                case .ready(let offer): refused[offer.key.run] == nil ? effect : nil
                case .finished(let run, _), .left(let run, _): refused[run] == nil ? effect : nil
                case .reply(let request, .created(let run)): refused[run].map { .reply(request, .taken($0)) } ?? effect
                case .send, .ungranted, .adopted, .stop, .revoke, .answer, .checkpointed, .lookUp, .reply, .load,
                    .loadPage, .wake, .unreadable, .posted:
                    effect
                }
            }
    }

    // MARK: Starts

    mutating func start(_ order: StartOrder, at now: Instant, into output: inout ShardOutput) {
        invariant(order.run.shard == self.id, "run \(order.run) is not of shard \(self.id.rawValue)")
        let (run, decision) = Run.start(
            id: order.run,
            plan: order.plan,
            context: order.context,
            seed: order.seed,
            at: now,
            limits: self.limits,
            parent: ParentLink(key: order.key)
        )
        self.plans[order.plan.key] = order.plan
        var rest = self.rest(of: run, at: now)
        let isOver = if case .finished = run.phase { true } else { false }
        let isLeftOut = rest == nil && !isOver && self.residents.count >= self.limits.residentRuns
        // A row that waits has no leases: whoever reads it knows that nobody was ever granted anything.
        if isLeftOut { rest = Rest(status: .waiting, wakeAt: now, isFar: true) }
        let start = RunStart(
            run: order.run,
            definition: order.plan.key,
            key: order.key,
            inputHash: order.inputHash,
            seed: order.seed,
            at: now,
            deadline: run.deadline,
            status: rest?.status ?? run.status,
            wakeAt: rest?.wakeAt
        )
        output.batch.starts.append(start)
        output.bytes += 128
        self.write(decision, of: run, at: now, into: &output)
        if let note = run.awaited {
            output.update(RunUpdate(run: run.id, status: start.status, wakeAt: start.wakeAt, note: note))
        }
        if let request = order.request { output.effects.append(.reply(request, .created(order.run))) }
        if case .finished(let outcome) = run.phase {
            output.batch.finished.append(Self.finish(run.id, outcome, at: now))
            if let mail = Self.farewell(run) { self.outbox.append(mail) }
            return self.perform(decision.effects, of: run.id, at: now, into: &output)
        }
        if isLeftOut { self.leaveOut() }
        if rest?.isFar ?? false { return }  // it waits as a row
        self.residents[run.id] = Resident(run: run, status: start.status, isRecovered: true)
        self.perform(decision.effects, of: run.id, at: now, into: &output)
    }

    // MARK: Leases

    private mutating func grant(_ grant: Grant, at now: Instant, into output: inout ShardOutput) {
        let key = grant.offer.key
        guard case .open = self.phase, let index = self.residents.index(forKey: key.run) else {
            return output.effects.append(.ungranted(grant.offer, grant.session))
        }
        let token = self.nextToken()
        let lease = self.residents.values[index].run
            .grant(
                key.path,
                visit: key.visit,
                attempt: grant.offer.attempt,
                token: token,
                worker: grant.worker,
                at: now
            )
        guard let lease else { return output.effects.append(.ungranted(grant.offer, grant.session)) }
        self.served(index, into: &output)
        self.watch(lease.lease, at: now, into: &output)
        self.limit(lease.lease, of: grant.worker, to: lease.timeout, since: now, at: now, effects: &output.effects)
        self.hedge(lease.lease, at: now, effects: &output.effects)
        output.effects.append(.send(lease, grant.session))
    }

    /// Ends a lease some time after its timeout.
    ///
    /// The worker enforces the timeout; this is for one that does not.
    private mutating func limit(
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

    /// Looks at a lease again when a second worker may be given the same attempt.
    private mutating func hedge(_ lease: LeaseRef, at now: Instant, effects: inout [ShardEffect]) {
        let (path, run) = (lease.key.path, lease.key.run)
        guard let resident = self.residents[run]?.run, let unit = resident.unit(path, visit: lease.key.visit),
            let second = resident.hedgeAt(path, unit)
        else { return }
        self.remember(Timer(at: second, run: run, purpose: .wake(path)), at: now, effects: &effects)
    }

    /// Looks at a lease again when it is old enough to be recorded.
    private mutating func watch(_ lease: LeaseRef, at now: Instant, into output: inout ShardOutput) {
        let before = self.nextWake
        self.holds.append((now.advanced(by: self.limits.holdTime), lease))
        if self.nextWake < before { output.effects.append(.wake(at: self.nextWake)) }
    }

    private mutating func report(
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
        let (answer, decision) = self.residents.values[index].run.apply(report, at: now)
        guard answer == .accepted else { return output.effects.append(.lookUp(lease, session)) }
        output.effects.append(.answer(lease, .accepted, session))
        self.conclude(index, decision, at: now, into: &output)
    }

    private mutating func checkpoint(
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

    private mutating func offer(
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
        output.effects.append(.adopted(lease, session))
        self.watch(lease, at: now, into: &output)
        let timeout = self.residents.values[index].run.timeout(of: lease.key.path)
        let unit = self.residents.values[index].run.unit(lease.key.path, visit: lease.key.visit)
        guard let adopted = unit?.lease(under: lease.token) else { return }
        self.hedge(lease, at: now, effects: &output.effects)
        if adopted.isStopping {
            output.effects.append(.stop(lease, worker))
            self.limit(lease, of: worker, to: Span(milliseconds: 0), since: now, at: now, effects: &output.effects)
        } else {
            self.limit(lease, of: worker, to: timeout, since: adopted.since, at: now, effects: &output.effects)
        }
    }

    private mutating func lost(
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

    // MARK: Cancel

    /// A message has come; one that is in hand already is left alone.
    private mutating func read(_ stored: StoredMail, at now: Instant, into output: inout ShardOutput) {
        guard self.mailInHand.insert(stored.id).inserted else { return }
        self.act(on: stored, at: now, into: &output)
    }

    /// Does what waited for a run that is in memory now.
    mutating func replay(_ events: [ShardEvent], at now: Instant, into output: inout ShardOutput) {
        for event in events {
            if case .mail(let stored) = event {
                self.act(on: stored, at: now, into: &output)
            } else {
                self.reduce(event, at: now, into: &output)
            }
        }
    }

    mutating func consume(_ stored: StoredMail, into output: inout ShardOutput) {
        self.mailInHand.remove(stored.id)
        output.batch.consumed.append(stored.id)
    }

    mutating func cancel(_ order: CancelOrder, at now: Instant, into output: inout ShardOutput) {
        guard let index = self.residents.index(forKey: order.run) else {
            return self.load(order.run, for: .cancel(order), into: &output)
        }
        guard self.residents.values[index].isRecovered else {
            // Leases of the last owner may still be offered: first they are heard, then the run ends.
            self.awaiting[order.run, default: []].append(.cancel(order))
            return
        }
        output.batch.audit.append(
            AuditEntry(
                at: now,
                actor: order.caller,
                via: order.via,
                action: "cancel",
                target: order.run.description,
                before: self.residents.values[index].status.name,
                after: "cancelled"
            )
        )
        if let request = order.request { output.effects.append(.reply(request, .cancelled)) }
        self.change(order.run, at: now, into: &output) { $0.cancel(by: order.caller, at: now) }
    }

    // MARK: Time

    private mutating func tick(at now: Instant, into output: inout ShardOutput) {
        if case .listening(let until) = self.phase {
            guard now >= until else { return output.effects.append(.wake(at: until)) }
            self.phase = .open
            for run in self.residents.keys.sorted() {
                if self.residents[run]?.isRecovered ?? false { self.offer(run, into: &output) }
                self.recover(run, at: now, into: &output)
            }
        }
        while let timer = self.timers.min, timer.at <= now {
            self.timers.removeMin()
            self.fire(timer, at: now, into: &output)
        }
        while let hold = self.holds.first, hold.at <= now {
            self.holds.removeFirst()
            self.change(hold.lease.key.run, at: now, into: &output) { $0.hold(hold.lease) }
        }
        if now >= self.nextSweep { self.sweep(at: now, into: &output) }
        self.loadPageIfRoom(at: now, effects: &output.effects)
        output.effects.append(.wake(at: self.nextWake))
    }

    /// Finds the timers that are due until the next sweep, of runs in memory and of runs that wait as rows.
    private mutating func sweep(at now: Instant, into output: inout ShardOutput) {
        self.nextSweep = now.advanced(by: Span(milliseconds: self.limits.timerHorizon.milliseconds / 2))
        // Everything is found anew, so that nothing is kept twice.
        self.timers = Heap()
        for (id, resident) in self.residents.sorted(by: { $0.key < $1.key }) {
            for case .wake(let at, let path) in resident.run.wakes {
                self.remember(Timer(at: at, run: id, purpose: .wake(path)), at: now, effects: &output.effects)
            }
            if resident.isRecovered { self.giveTimeToHeld(id, resident.run, at: now, effects: &output.effects) }
            for (ref, lease) in resident.run.leases {
                let timeout = lease.isStopping ? Span(milliseconds: 0) : resident.run.timeout(of: ref.key.path)
                let (worker, since) = (lease.worker, lease.isStopping ? now : lease.since)
                self.limit(ref, of: worker, to: timeout, since: since, at: now, effects: &output.effects)
            }
        }
        self.loadsInFlight += 1
        output.effects.append(self.page(after: nil, waitingOnly: true, at: now))
    }

    private mutating func fire(_ timer: Timer, at now: Instant, into output: inout ShardOutput) {
        guard let index = self.residents.index(forKey: timer.run) else { return }
        guard self.residents.values[index].isRecovered else {
            var later = timer
            later.at = now.advanced(by: self.limits.listenTime)
            return self.remember(later, at: now, effects: &output.effects)
        }
        switch timer.purpose {
        case .wake(let path):
            self.change(timer.run, at: now, into: &output) { $0.wake(path, at: now) }
        case .overdue(let lease, let worker):
            let unit = self.residents.values[index].run.unit(lease.key.path, visit: lease.key.visit)
            guard let late = unit?.lease(under: lease.token) else { return }
            output.effects.append(.revoke(lease, worker))
            let reason: LossReason = late.isStopping ? .abandoned : .timeout
            self.change(timer.run, at: now, into: &output) { $0.lost(lease, reason, at: now) }
        case .heldTooLong:
            self.change(timer.run, at: now, into: &output) { $0.recover(.held, at: now) }
        }
    }
}
