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
        // Shares what the run is made of, so it must be gone before anything changes that.
        let run = self.residents.values[index].run
        let id = run.id
        self.write(decision, of: run, at: now, into: &output)
        if case .finished(let outcome) = run.phase {
            output.batch.finished.append(Self.finish(id, outcome, at: now))
            if let mail = Self.farewell(run) { self.outbox.append(mail) }
            self.depart(index, nextSeq: .max)
            self.perform(decision, of: id, at: now, into: &output)
            self.answer(self.awaiting.removeValue(forKey: id) ?? [], isOver: true, into: &output)
            return self.loadPageIfRoom(at: now, effects: &output.effects)
        }
        let rest = self.rest(of: run, at: now)
        let status = rest?.status ?? run.status
        _ = consume run
        let before = self.residents.values[index].status
        let isLeaving = (rest?.isFar ?? (status == .blocked)) && self.residents.values[index].isRecovered
        var version: Int?
        for case .migrated(_, let migration) in decision.records { version = migration.to }
        if self.staysUnserved(index, decision, isResting: rest != nil), version == nil {
            return self.perform(decision, of: id, at: now, into: &output)
        }
        if status != before || isLeaving || version != nil {
            self.residents.values[index].status = status
            self.residents.values[index].isUnserved = false
            let run = self.residents.values[index].run
            let note = run.blockage ?? run.awaited
            output.update(RunUpdate(run: id, status: status, wakeAt: rest?.wakeAt, note: note, version: version))
        }
        if (before == .blocked) != (status == .blocked) { self.tellBlockage(index, into: &output) }
        if isLeaving { self.depart(index, nextSeq: self.residents.values[index].run.nextSeq) }
        self.perform(decision, of: id, at: now, into: &output)
        if isLeaving { self.loadPageIfRoom(at: now, effects: &output.effects) }
    }

    private func tellBlockage(_ index: Dictionary<RunID, Resident>.Index, into output: inout ShardOutput) {
        let run = self.residents.values[index].run
        output.tell(run.blockage.map { .blocked(RunStanding(run), $0) } ?? .unblocked(RunStanding(run)))
    }

    /// A run leaves memory.
    mutating func depart(_ index: Dictionary<RunID, Resident>.Index, nextSeq: Int) {
        let id = self.residents.keys[index]
        self.residents.remove(at: index)
        if self.loadsInFlight > 0 { self.departed[id] = nextSeq }
    }

    mutating func write(_ decision: RunDecision, of run: Run, at now: Instant, into output: inout ShardOutput) {
        var place = (state: run.plan.states[decision.firstState].name, visit: decision.firstVisit)
        if !decision.records.isEmpty { output.tell(.decided(DecidedRun(decision, of: run, at: now))) }
        let records = decision.records.span
        for index in records.indices {
            let row = Self.row(of: records[index], run.id, decision.firstSeq + index, at: now, &place)
            output.bytes += 96 + (row.payload?.count ?? 0)
            output.batch.history.append(row)
        }
        if !decision.mail.isEmpty { self.outbox += decision.mail }
    }

    /// The row of a record that is decided at a place.
    private static func row(
        of record: Record,
        _ run: RunID,
        _ seq: Int,
        at now: Instant,
        _ place: inout (state: String, visit: Int)
    ) -> HistoryRow {
        var row = HistoryRow(record, run: run, seq: seq, at: now)
        if let state = row.state, row.kind == .entered || row.kind == .migrated { place = (state, row.visit) }
        if row.state == nil, row.kind != .finished {
            // For people who read the history: the translation back does not need it.
            row.state = place.state
            row.visit = place.visit
        }
        return row
    }

    mutating func perform(
        _ decision: RunDecision,
        of run: RunID,
        at now: Instant,
        into output: inout ShardOutput
    ) {
        for effect in decision.effects {
            switch effect {
            case .ready(let offer):
                guard case .open = self.phase, let index = self.residents.index(forKey: run) else { continue }
                if !self.follow(index, offer, at: now, into: &output) { output.effects.append(.ready(offer)) }
            case .stop(let lease, let worker): output.effects.append(.stop(lease, worker))
            case .revoke(let lease, let worker): output.effects.append(.revoke(lease, worker))
            case .left(let visit): output.effects.append(.left(run, visit: visit))
            case .finished(let outcome):
                guard case .finished(_, let finish) = decision.records.last else { continue }
                output.effects.append(.finished(run, outcome, finish))
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
        RunFinish(run: run, status: RunStatus(outcome), at: now, note: outcome.note)
    }

    /// How a run waits, if its row must say so: because it waits so long that it leaves memory, because it waits for
    /// something from outside, or because it is blocked.
    func rest(of run: Run, at now: Instant) -> Rest? {
        guard let until = run.dormantUntil else { return nil }
        let isFar = until > now.advanced(by: self.limits.timerHorizon)
        let wakeAt = until < Run.never ? until : nil
        if run.isBlocked { return Rest(status: .blocked, wakeAt: wakeAt, isFar: isFar) }
        if run.awaitsEvent { return Rest(status: .waiting, wakeAt: wakeAt, isFar: isFar) }
        return isFar && wakeAt != nil ? Rest(status: .waiting, wakeAt: wakeAt, isFar: true) : nil
    }

    // MARK: Loading

    /// Asks for a run and keeps the event until it is there.
    mutating func load(_ run: RunID, for event: ShardEvent, into output: inout ShardOutput) {
        self.awaiting[run, default: []].append(event)
        self.load(run, into: &output)
    }

    private mutating func load(_ run: RunID, into output: inout ShardOutput) {
        guard self.loading.insert(run).inserted else { return }
        self.loadsInFlight += 1
        output.effects.append(.load(run))
    }

    /// An answer of the store has come.
    private mutating func landed() {
        self.loadsInFlight = max(0, self.loadsInFlight - 1)
        if self.loadsInFlight == 0 { self.departed = [:] }
    }

    /// Whether what the store read is older than what the run had become when it left memory.
    private func isOutdated(_ stored: StoredRun) -> Bool {
        guard let nextSeq = self.departed[stored.start.run], let last = stored.tail.last else { return false }
        return last.seq + 1 < nextSeq
    }

    mutating func loaded(_ run: RunID, _ stored: StoredRun?, at now: Instant, into output: inout ShardOutput) {
        defer { self.landed() }
        self.loading.remove(run)
        var isOver = stored == nil
        if let stored, self.residents[run] == nil {
            if self.isOutdated(stored) {
                if self.departed[run] != .max { return self.load(run, into: &output) }
                isOver = true
            } else {
                self.take(stored, at: now, into: &output)
            }
        }
        let events = self.awaiting.removeValue(forKey: run) ?? []
        guard self.residents[run] != nil else { return self.answer(events, isOver: isOver, into: &output) }
        self.replay(events, at: now, into: &output)
        if case .open = self.phase { self.recover(run, at: now, into: &output) }
    }

    /// Answers events about a run that is over, or that cannot be read back.
    private mutating func answer(_ events: [ShardEvent], isOver: Bool, into output: inout ShardOutput) {
        for event in events {
            switch event {
            case .offered(let leases, let session, _):
                for lease in leases { output.effects.append(.answer(lease, .lost, session)) }
            case .reports(let reports, let session, _, _):
                for report in reports { output.effects.append(.lookUp(report.lease, session)) }
            case .checkpoints(let checkpoints, let session, _):
                for one in checkpoints {
                    output.effects.append(.checkpointed(one.lease, number: one.number, .lost, session))
                }
            case .cancel(let order):
                if let request = order.request { output.effects.append(.reply(request, .cancelled)) }
                // Noted, for the owner that can read the run.
                if !isOver { output.batch.mail.append(Mail(to: self.id, .cancel(order.run, by: order.caller))) }
            case .order(let order): self.answer(order, isOver: isOver, into: &output)
            case .mail(let stored):
                if isOver { self.consume(stored, into: &output) }
            case .define, .unserved, .start, .audit, .grant, .started, .lost, .loaded, .page, .tick:
                break  // nobody waits for an answer to these
            }
        }
    }

    mutating func page(
        _ runs: [StoredRun],
        waitingOnly: Bool,
        isLast: Bool,
        at now: Instant,
        into output: inout ShardOutput
    ) {
        defer { self.landed() }
        var last: RunID?
        var isFull = false
        for stored in runs {
            let id = stored.start.run
            if self.residents[id] == nil {
                isFull = self.residents.count >= self.limits.residentRuns && self.awaiting[id] == nil
                if isFull { break }
                if self.isOutdated(stored) {
                    if self.departed[id] != .max { self.load(id, into: &output) }
                } else {
                    self.take(stored, at: now, into: &output)
                    if case .open = self.phase { self.recover(id, at: now, into: &output) }
                }
            }
            last = id
        }
        if waitingOnly {
            if isFull {
                self.leaveOut()
            } else if !isLast {
                self.loadsInFlight += 1
                output.effects.append(self.page(after: last, waitingOnly: true, at: now))
            }
        } else if case .loading(let behind, let again) = self.backlog {
            if isFull || !isLast {
                self.backlog = .behind(last ?? behind, again: again)
            } else {
                self.backlog = again ? .behind(nil, again: false) : .none
            }
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
        // A row that waits or is blocked has no leases: its owner writes another status before it offers anything.
        let isIdle = stored.start.status == .waiting || stored.start.status == .blocked
        self.residents[id] = Resident(run: run, status: stored.start.status, isRecovered: isIdle)
        output.tell(.resumed(RunStanding(run)))
        var wakes = RunDecision()
        wakes.effects = run.wakes
        self.perform(wakes, of: id, at: now, into: &output)
        guard isIdle, !run.offers.isEmpty else { return }
        let status = run.status
        self.residents[id]?.status = status
        output.update(RunUpdate(run: id, status: status, wakeAt: nil))
        self.offer(id, into: &output)
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
        // Taken out first: should the run end here, what waited for it is told so by whoever looks for the run next.
        var events = self.awaiting.removeValue(forKey: id) ?? []
        // A slow store may answer long after workers have offered what they hold: that is not lost.
        self.adopt(from: &events, at: now, into: &output)
        self.residents.values[index].isRecovered = true
        let decision = self.residents.values[index].run.recover(.unrecorded, at: now)
        let run = self.residents.values[index].run
        self.giveTimeToHeld(id, run, at: now, effects: &output.effects)
        self.conclude(index, decision, at: now, into: &output)
        self.replay(events, at: now, into: &output)
    }

    /// Takes over the leases that events of workers name, and leaves the events that say more than that.
    private mutating func adopt(from events: inout [ShardEvent], at now: Instant, into output: inout ShardOutput) {
        var left: [ShardEvent] = []
        for event in events {
            switch event {
            case .offered: self.apply(event, at: now, into: &output)
            case .reports(let reports, _, let worker, _):
                for lease in reports.lazy.map(\.lease) where lease.token.epoch < self.epoch {
                    _ = self.residents[lease.key.run]?.run.adopt(lease, worker: worker, at: now)
                }
                left.append(event)
            case .start, .audit, .grant, .started, .checkpoints, .lost, .cancel, .order, .mail, .define, .unserved,
                .loaded,
                .page, .tick:
                left.append(event)
            }
        }
        events = left
    }

    /// Waits for the workers of attempts that are recorded as held, as long as their leases can last.
    mutating func giveTimeToHeld(_ id: RunID, _ run: Run, at now: Instant, effects: inout [ShardEffect]) {
        guard run.awaitsHeld else { return }
        let until = max(now, self.takenAt.advanced(by: self.leaseTime))
        self.remember(Timer(at: until, run: id, purpose: .heldTooLong), at: now, effects: &effects)
    }

    // MARK: Bounded memory

    /// A run stays a row because memory is full.
    mutating func leaveOut() {
        switch self.backlog {
        case .none, .behind(nil, _): self.backlog = .behind(nil, again: false)
        case .behind(let id, _): self.backlog = .behind(id, again: true)
        case .loading(let behind, _): self.backlog = .loading(behind: behind, again: true)
        }
    }

    mutating func loadPageIfRoom(at now: Instant, effects: inout [ShardEffect]) {
        guard case .behind(let after, let again) = self.backlog, self.residents.count <= self.limits.residentRuns / 2,
            self.departed.count <= self.limits.residentRuns
        else { return }
        self.backlog = .loading(behind: after, again: again)
        self.loadsInFlight += 1
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
