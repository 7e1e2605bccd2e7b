// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Orders of people, messages of other runs, and work that nobody can do.
extension Shard {
    // MARK: Orders

    mutating func carryOut(_ order: RunOrder, at now: Instant, into output: inout ShardOutput) {
        guard let index = self.residents.index(forKey: order.run) else {
            return self.load(order.run, for: .order(order), into: &output)
        }
        guard self.residents.values[index].isRecovered else {
            // Leases of the last owner may still be offered: first they are heard.
            return self.awaiting[order.run, default: []].append(.order(order))
        }
        self.follow(order, index, at: now, into: &output)
        self.letGo(order.run, at: now, into: &output)
    }

    /// Lets a run go that is in memory only because it was told something: it waits on, or memory is full.
    private mutating func letGo(_ id: RunID, at now: Instant, into output: inout ShardOutput) {
        guard let index = self.residents.index(forKey: id), self.residents.values[index].isRecovered,
            self.awaiting[id] == nil
        else { return }
        let resident = self.residents.values[index]
        guard resident.run.leases.isEmpty, !resident.run.awaitsHeld else { return }
        if let rest = self.rest(of: resident.run, at: now), rest.isFar {
            guard rest.status == resident.status else { return }
            return self.depart(index, nextSeq: resident.run.nextSeq)
        }
        guard case .open = self.phase, self.residents.count > self.limits.residentRuns, !resident.isUnserved else {
            return
        }
        // Whoever reads a row that waits knows that nobody was granted anything.
        output.update(RunUpdate(run: id, status: .waiting, wakeAt: now, note: resident.run.awaited))
        self.leaveOut()
        self.depart(index, nextSeq: resident.run.nextSeq)
    }

    /// Does what was asked for, or says why not; the audit has a row either way.
    private mutating func follow(
        _ order: RunOrder,
        _ index: Dictionary<RunID, Resident>.Index,
        at now: Instant,
        into output: inout ShardOutput
    ) {
        let before = self.residents.values[index].status.name
        let decision: RunDecision
        do {
            decision = try self.decide(order, index, at: now)
        } catch {
            self.note(order, before: before, after: "refused: \(error.message)", at: now, into: &output)
            if let request = order.request { output.effects.append(.reply(request, .refused(error))) }
            return
        }
        let after = order.verb.detail ?? order.verb.name
        self.note(order, before: before, after: decision.isEmpty ? "unchanged" : after, at: now, into: &output)
        if let request = order.request { output.effects.append(.reply(request, .done(isNew: !decision.isEmpty))) }
        self.conclude(index, decision, at: now, into: &output)
    }

    private mutating func decide(
        _ order: RunOrder,
        _ index: Dictionary<RunID, Resident>.Index,
        at now: Instant
    ) throws(Refusal) -> RunDecision {
        switch order.verb {
        case .signal(let signal):
            return try self.residents.values[index].run.signal(signal, at: now)
        case .intervene(let intervention):
            return try self.residents.values[index].run.intervene(intervention, by: order.caller, at: now)
        case .migrate(let version, let map):
            let name = self.residents.values[index].run.plan.key.name
            let key = DefinitionKey(name: name, version: version)
            guard let plan = self.plans[key] else {
                throw Refusal(
                    .unknownWorkflow,
                    "there is no \(key); apply its definition or start a worker that has it"
                )
            }
            return try self.residents.values[index].run.migrate(to: plan, map, at: now)
        }
    }

    private func note(
        _ order: RunOrder,
        before: String,
        after: String,
        at now: Instant,
        into output: inout ShardOutput
    ) {
        output.batch.audit.append(
            AuditEntry(
                at: now,
                actor: order.caller,
                via: order.via,
                action: order.verb.name,
                target: order.run.description,
                before: before,
                after: after
            )
        )
    }

    /// An order for a run that is over, or that cannot be read back.
    func answer(_ order: RunOrder, isOver: Bool, into output: inout ShardOutput) {
        guard let request = order.request else { return }
        let refusal =
            isOver
            ? Refusal(.wrongState, "run \(order.run) is over: there is nothing to \(order.verb.name)")
            : Refusal(.storeCorrupt, "run \(order.run) cannot be read back; the coordinator's log says why")
        output.effects.append(.reply(request, .refused(refusal)))
    }

    // MARK: Children

    /// Starts a run for another one, in the commit that consumes the message.
    mutating func startChild(_ order: ChildOrder, at now: Instant, into output: inout ShardOutput) {
        guard order.run.shard == self.id, let plan = self.plan(of: order) else {
            let version = order.version.map { " version \($0)" } ?? ""
            let message =
                "there is no workflow '\(order.workflow)'\(version); apply its definition, then start the parent again"
            let failure = Failure(code: CanoError.Code.unknownWorkflow.name, message: message, isRetryable: false)
            let result = ChildResult(run: order.run, outcome: .failed(failure), context: nil)
            return self.outbox.append(Mail(to: order.parent.run.shard, .childEnded(order.parent, result)))
        }
        let start = StartOrder(
            run: order.run,
            plan: plan,
            key: order.parent.key,
            inputHash: Payload.inputHash(of: order.context),
            context: order.context,
            seed: order.seed,
            request: nil
        )
        self.start(start, at: now, into: &output)
    }

    private func plan(of order: ChildOrder) -> Plan? {
        if let version = order.version {
            return self.plans[DefinitionKey(name: order.workflow, version: version)]
        }
        return self.plans.values.filter { $0.key.name == order.workflow }.max { $0.key.version < $1.key.version }
    }

    /// The message to the parent of a run that is over.
    static func farewell(_ run: Run) -> Mail? {
        guard let parent = run.parent, case .finished(let outcome) = run.phase else { return nil }
        let result = ChildResult(run: run.id, outcome: outcome, context: run.position.context)
        return Mail(to: parent.run.shard, .childEnded(parent, result))
    }

    // MARK: Messages

    /// Sends what runs have to say to other runs: at once when the other one is here, as mail otherwise.
    ///
    /// Either way it is written in the commit of the record that led to it.
    mutating func deliverOutbox(at now: Instant, into output: inout ShardOutput) {
        while !self.outbox.isEmpty {
            let mail = self.outbox.removeFirst()
            guard mail.shard == self.id else {
                output.post(mail)
                continue
            }
            switch mail.content {
            case .startChild(let order) where self.plan(of: order) != nil:
                self.startChild(order, at: now, into: &output)
            case .childEnded(let parent, let result) where self.isHere(parent.run):
                self.change(parent.run, at: now, into: &output) { $0.childEnded(result, at: now) }
            case .cancel(let run, let by) where self.isHere(run):
                self.cancel(CancelOrder(run: run, caller: by, via: "parent", request: nil), at: now, into: &output)
            // A workflow that is not known here may be known to the store: whoever reads the mail looks there.
            case .startChild, .childEnded, .cancel, .order: output.post(mail)
            }
        }
    }

    private func isHere(_ run: RunID) -> Bool { self.residents[run]?.isRecovered ?? false }

    /// Does what a message asks for.
    ///
    /// A message is consumed in the commit that does it, so a crash repeats it.
    mutating func act(on stored: StoredMail, at now: Instant, into output: inout ShardOutput) {
        switch stored.mail.content {
        case .cancel(let run, let by):
            guard self.isReady(run, for: stored, into: &output) else { return }
            self.consume(stored, into: &output)
            self.cancel(CancelOrder(run: run, caller: by, via: "mail", request: nil), at: now, into: &output)
        case .order(let run, let verb, let by):
            guard self.isReady(run, for: stored, into: &output) else { return }
            self.consume(stored, into: &output)
            let order = RunOrder(run: run, verb: verb, caller: by, via: "mail", request: nil)
            self.carryOut(order, at: now, into: &output)
        case .childEnded(let parent, let result):
            guard self.isReady(parent.run, for: stored, into: &output) else { return }
            self.consume(stored, into: &output)
            self.change(parent.run, at: now, into: &output) { $0.childEnded(result, at: now) }
            self.letGo(parent.run, at: now, into: &output)
        case .startChild(let order):
            self.consume(stored, into: &output)
            self.startChild(order, at: now, into: &output)
        }
    }

    /// Whether the run can be told now; otherwise the message waits for it.
    private mutating func isReady(_ run: RunID, for stored: StoredMail, into output: inout ShardOutput) -> Bool {
        guard let index = self.residents.index(forKey: run) else {
            self.load(run, for: .mail(stored), into: &output)
            return false
        }
        guard self.residents.values[index].isRecovered else {
            self.awaiting[run, default: []].append(.mail(stored))
            return false
        }
        return true
    }

    // MARK: Work that nobody can do

    /// Nobody who is connected can do the work of these runs: their rows say so.
    ///
    /// They stay in memory, and go on as soon as somebody can.
    mutating func unserved(_ runs: [RunID], at now: Instant, into output: inout ShardOutput) {
        for id in runs {
            guard let index = self.residents.index(forKey: id), self.residents.values[index].isRecovered,
                !self.residents.values[index].isUnserved, self.residents.values[index].status != .blocked
            else { continue }
            let run = self.residents.values[index].run
            guard run.leases.isEmpty, let capability = run.offers.first?.capability else { continue }
            self.residents.values[index].isUnserved = true
            self.residents.values[index].status = .blocked
            let note = Self.unserved(capability, run.plan.key)
            // With a time that has come, so that the next owner takes it up like any other.
            output.update(RunUpdate(run: id, status: .blocked, wakeAt: now, note: note))
        }
    }

    /// Whether a run that nobody can work for decided nothing that changes that.
    func staysUnserved(_ index: Dictionary<RunID, Resident>.Index, _ decision: RunDecision, isResting: Bool) -> Bool {
        guard self.residents.values[index].isUnserved, !isResting else { return false }
        return !decision.effects.contains { effect in
            if case .ready = effect { true } else { false }
        }
    }

    private static func unserved(_ capability: Capability, _ key: DefinitionKey) -> String {
        switch capability {
        case .compiled: "no worker has the code of \(key); start one that has it, or migrate the run"
        case .handler(let name): "no worker runs '\(name)'; start one that does"
        }
    }

    /// Somebody can: the row says so before anything is granted.
    mutating func served(_ index: Dictionary<RunID, Resident>.Index, into output: inout ShardOutput) {
        guard self.residents.values[index].isUnserved else { return }
        self.residents.values[index].isUnserved = false
        let status = self.residents.values[index].run.status
        self.residents.values[index].status = status
        output.update(RunUpdate(run: self.residents.keys[index], status: status, wakeAt: nil))
    }
}
