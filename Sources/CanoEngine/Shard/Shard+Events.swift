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
        case .reports(let reports, let session, let worker, let slots):
            self.kept = KeptSlots(session: session, worker: worker, count: slots)
            for report in reports { self.report(report, session, worker, at: now, into: &output) }
            if self.kept.count > 0 { output.effects.append(.unused(session, self.kept.count)) }
            self.kept.count = 0
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
                case .finished(let run, _, _), .left(let run, _): refused[run] == nil ? effect : nil
                case .reply(let request, .created(let run)): refused[run].map { .reply(request, .taken($0)) } ?? effect
                case .send, .followed, .unused, .ungranted, .claimed, .adopted, .stop, .revoke, .answer,
                    .checkpointed, .lookUp, .reply, .load, .loadPage, .wake, .unreadable, .posted:
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
            parent: ParentLink(key: order.key),
            trace: order.trace
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
            return self.perform(decision, of: run.id, at: now, into: &output)
        }
        if isLeftOut { self.leaveOut() }
        if rest?.isFar ?? false { return }  // it waits as a row
        self.residents[run.id] = Resident(run: run, status: start.status, isRecovered: true)
        self.perform(decision, of: run.id, at: now, into: &output)
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
            let died = self.lastDied
            self.change(timer.run, at: now, into: &output) { $0.recover(.held, died: died, at: now) }
        }
    }
}
