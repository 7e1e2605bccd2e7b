// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import HeapModule

extension Shard {
    // MARK: Changing a run

    /// Lets a run in memory decide something; does nothing when it is not in memory.
    mutating func change(
        _ id: RunID,
        at now: Instant,
        into output: inout ShardOutput,
        _ body: (inout Run) -> RunDecision?
    ) {
        guard let index = self.residents.index(forKey: id),
            let decision = body(&self.residents.values[index].run)
        else { return }
        self.conclude(index, decision, at: now, into: &output)
    }

    /// Writes what a run decided, and lets it go when it is over or will wait for long.
    mutating func conclude(
        _ index: Dictionary<RunID, Resident>.Index,
        _ decision: RunDecision,
        at now: Instant,
        into output: inout ShardOutput
    ) {
        guard !decision.isEmpty else { return }
        let id = self.residents.keys[index]
        self.write(decision, of: self.residents.values[index].run, at: now, into: &output)
        if case .finished(let outcome) = self.residents.values[index].run.phase {
            output.batch.finished.append(Self.finish(id, outcome, at: now))
            self.residents.remove(at: index)
            self.perform(decision.effects, of: id, at: now, into: &output)
            return self.loadPageIfRoom(at: now, effects: &output.effects)
        }
        let wakeAt = self.longWait(of: self.residents.values[index].run, at: now)
        let status = self.residents.values[index].run.status(isLongWait: wakeAt != nil)
        let isLeaving = (wakeAt != nil || status == .blocked) && self.residents.values[index].isRecovered
        if status != self.residents.values[index].status || isLeaving {
            self.residents.values[index].status = status
            let note = self.residents.values[index].run.blockage
            output.batch.updates.append(RunUpdate(run: id, status: status, wakeAt: wakeAt, note: note))
        }
        if isLeaving { self.residents.remove(at: index) }
        self.perform(decision.effects, of: id, at: now, into: &output)
    }

    func write(_ decision: RunDecision, of run: Run, at now: Instant, into output: inout ShardOutput) {
        for (offset, record) in decision.records.enumerated() {
            var row = HistoryRow(record, run: run.id, seq: decision.firstSeq + offset, at: now)
            if row.state == nil, row.kind != .finished {
                // For people who read the history: the translation back does not need it.
                row.state = run.plan.states[run.position.state].name
                row.visit = run.position.visit
            }
            output.bytes += 96 + (row.payload?.count ?? 0)
            output.batch.history.append(row)
        }
    }

    mutating func perform(
        _ effects: [RunEffect],
        of run: RunID,
        at now: Instant,
        into output: inout ShardOutput
    ) {
        for effect in effects {
            switch effect {
            case .ready(let offer):
                if case .open = self.phase, self.residents.index(forKey: run) != nil {
                    output.effects.append(.ready(offer))
                }
            case .stop(let lease, let worker): output.effects.append(.stop(lease, worker))
            case .revoke(let lease, let worker): output.effects.append(.revoke(lease, worker))
            case .left(let visit): output.effects.append(.left(run, visit: visit))
            case .finished(let outcome): output.effects.append(.finished(run, outcome))
            case .wake(let at, let path):
                guard self.residents.index(forKey: run) != nil else { continue }
                self.remember(Timer(at: at, run: run, purpose: .wake(path)), at: now, effects: &output.effects)
            }
        }
    }

    /// Keeps a timer that is due soon; the others are found again by the sweeps, so that timers of runs that ended
    /// long before them take no memory.
    mutating func remember(_ timer: Timer, at now: Instant, effects: inout [ShardEffect]) {
        guard timer.at <= now.advanced(by: self.limits.timerHorizon) else { return }
        let before = self.nextWake
        self.timers.insert(timer)
        if timer.at < before { effects.append(.wake(at: timer.at)) }
    }

    static func finish(_ run: RunID, _ outcome: RunOutcome, at now: Instant) -> RunFinish {
        let note: String? =
            switch outcome {
            case .succeeded: nil
            case .failed(let failure): "\(failure.code): \(failure.message)"
            case .cancelled(let by): "by \(by)"
            case .timedOut: "the run took longer than its definition allows"
            }
        return RunFinish(run: run, status: RunStatus(outcome), at: now, note: note)
    }

    /// Until when a run waits, if that is so long that it waits as a row.
    func longWait(of run: Run, at now: Instant) -> Instant? {
        guard let until = run.dormantUntil, !run.isBlocked, until > now.advanced(by: self.limits.timerHorizon) else {
            return nil
        }
        return until
    }

    // MARK: Loading

    /// Asks for a run and keeps the event until it is there.
    mutating func load(_ run: RunID, for event: ShardEvent, into output: inout ShardOutput) {
        if self.awaiting[run] == nil { output.effects.append(.load(run)) }
        self.awaiting[run, default: []].append(event)
    }

    mutating func loaded(_ run: RunID, _ stored: StoredRun?, at now: Instant, into output: inout ShardOutput) {
        let events = self.awaiting.removeValue(forKey: run) ?? []
        if let stored { self.take(stored, at: now, into: &output) }
        guard self.residents[run] != nil else {
            for event in events { self.answer(event, into: &output) }
            return
        }
        for event in events { self.apply(event, at: now, into: &output) }
        if case .open = self.phase { self.recover(run, at: now, into: &output) }
    }

    /// Answers an event about a run that is over.
    private mutating func answer(_ event: ShardEvent, into output: inout ShardOutput) {
        switch event {
        case .offered(let leases, let session, _):
            for lease in leases { output.effects.append(.answer(lease, .lost, session)) }
        case .cancel(let order):
            if let request = order.request { output.effects.append(.reply(request, .cancelled)) }
        case .mail(let stored): self.consume(stored, into: &output)
        case .start, .grant, .started, .reports, .lost, .loaded, .page, .tick:
            break  // these never wait for a run
        }
    }

    mutating func page(
        _ runs: [StoredRun],
        waitingOnly: Bool,
        isLast: Bool,
        at now: Instant,
        into output: inout ShardOutput
    ) {
        var last: RunID?
        for stored in runs {
            last = stored.start.run
            let id = stored.start.run
            guard self.residents[id] == nil else { continue }
            guard self.residents.count < self.limits.residentRuns || self.awaiting[id] != nil else {
                self.leaveOut()
                continue
            }
            self.take(stored, at: now, into: &output)
            if case .open = self.phase { self.recover(id, at: now, into: &output) }
        }
        if waitingOnly {
            if !isLast { output.effects.append(self.page(after: last, waitingOnly: true, at: now)) }
        } else if case .loading(_, let leftOut) = self.backlog {
            self.backlog = isLast ? (leftOut ? .behind(nil) : .none) : .behind(last)
        }
        self.loadPageIfRoom(at: now, effects: &output.effects)
    }

    private mutating func take(_ stored: StoredRun, at now: Instant, into output: inout ShardOutput) {
        let id = stored.start.run
        guard self.residents[id] == nil else { return }
        guard let plan = self.plans[stored.start.definition] else {
            let message = "its definition \(stored.start.definition) is not in the store; apply it again"
            return output.effects.append(.unreadable(id, message))
        }
        let run: Run
        do { run = try Run.restore(stored, plan: plan, limits: self.limits) } catch {
            return output.effects.append(.unreadable(id, error.message))
        }
        if case .finished = run.phase { return }
        // A run of this owner that was left out for want of memory has never been granted.
        let isFresh = run.startedAt >= self.takenAt
        self.residents[id] = Resident(run: run, status: stored.start.status, isRecovered: isFresh)
        self.perform(run.wakes, of: id, at: now, into: &output)
        if isFresh { self.offer(id, into: &output) }
    }

    /// Offers everything of a run that can be granted now.
    func offer(_ id: RunID, into output: inout ShardOutput) {
        guard case .open = self.phase, let run = self.residents[id]?.run else { return }
        for offer in run.offers { output.effects.append(.ready(offer)) }
    }

    /// The listening is over for a run: what nobody offered is declared lost, and everything is offered again.
    mutating func recover(_ id: RunID, at now: Instant, into output: inout ShardOutput) {
        guard let index = self.residents.index(forKey: id) else { return }
        guard !self.residents.values[index].isRecovered else { return }
        self.residents.values[index].isRecovered = true
        if self.residents.values[index].run.awaitsHeld {
            let until = max(now, self.takenAt.advanced(by: self.leaseTime))
            self.remember(Timer(at: until, run: id, purpose: .heldTooLong), at: now, effects: &output.effects)
        }
        let decision = self.residents.values[index].run.recover(.unrecorded, at: now)
        self.conclude(index, decision, at: now, into: &output)
        for event in self.awaiting.removeValue(forKey: id) ?? [] { self.apply(event, at: now, into: &output) }
    }

    // MARK: Bounded memory

    /// A run stays a row because memory is full.
    mutating func leaveOut() {
        switch self.backlog {
        case .none: self.backlog = .behind(nil)
        case .behind: break
        case .loading(let behind, _): self.backlog = .loading(behind: behind, leftOut: true)
        }
    }

    mutating func loadPageIfRoom(at now: Instant, effects: inout [ShardEffect]) {
        guard case .behind(let after) = self.backlog, self.residents.count <= self.limits.residentRuns / 2 else { return }
        self.backlog = .loading(behind: after, leftOut: false)
        effects.append(self.page(after: after, waitingOnly: false, at: now))
    }

    func page(after: RunID?, waitingOnly: Bool, at now: Instant) -> ShardEffect {
        let room = max(1, self.limits.residentRuns - self.residents.count)
        return .loadPage(
            after: after,
            before: now.advanced(by: self.limits.timerHorizon),
            waitingOnly: waitingOnly,
            limit: min(room, self.limits.pageRows)
        )
    }
}
