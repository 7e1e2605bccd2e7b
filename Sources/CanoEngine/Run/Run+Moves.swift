// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Run {
    // MARK: Forward

    /// Leaves the state for the one that its task chose, unless the run is to end.
    mutating func move(
        to next: String?,
        context: Payload?,
        cause: Record.Attempt?,
        split: (ClosedRange<Int>, branches: Int)? = nil,
        arrival: Record.ArrivalRecord? = nil,
        at now: Instant,
        in decision: inout RunDecision
    ) {
        if self.position.ending != nil { return self.turnBack(at: now, in: &decision) }
        let choices = self.plan.states[self.position.state].next
        guard let name = next ?? choices.first, let target = self.plan.index(of: name) else {
            fatalError("run \(self.id): '\(next ?? "")' was not checked against the declared states")
        }
        let context = context ?? self.position.context
        let visit = self.position.visit + 1
        if case .exit(let exit) = self.plan.states[target].step, exit == .success || self.saga.isEmpty {
            let outcome = exit == .success ? RunOutcome.succeeded : .failed(.exit(name))
            let finish = Record.Finish(state: name, visit: visit, context: context, cause: cause)
            return self.finish(outcome, finish, in: &decision)
        }
        var entry = self.entry(of: target, visit: visit, context: context, cause: cause, at: now)
        entry.split = split?.0
        entry.branchCount = split?.branches ?? 0
        entry.arrival = arrival
        var taken: Int?
        if case .signal(let seq) = arrival { taken = seq }
        entry.signals = self.signals.known(taking: taken, remembering: self.limits.signalIDs)
        self.note(.entered(entry), in: &decision)
        self.begin(at: now, in: &decision)
    }

    /// Begins the step of the state just entered.
    mutating func begin(at now: Instant, in decision: inout RunDecision) {
        switch self.position.step {
        case .single(let unit):
            if let due = self.position.due { decision.effects.append(.wake(at: due, nil)) }
            self.ready(.step, unit, in: &decision)
        case .expanding(let unit): self.ready(.expand, unit, in: &decision)
        case .timer(let due): decision.effects.append(.wake(at: due, nil))
        case .waiting(let due):
            if let due { decision.effects.append(.wake(at: due, nil)) }
            self.takeSignal(at: now, in: &decision)
        case .child: break  // a child begins with its expansion
        case .branches: self.beginBranches(at: now, in: &decision)
        case .exit:
            let name = self.plan.states[self.position.state].name
            if case .exit(.success) = self.plan.states[self.position.state].step {
                let finish = Record.Finish(state: name, visit: self.position.visit, context: self.position.context)
                return self.finish(.succeeded, finish, in: &decision)
            }
            self.turnBack(at: now, in: &decision)
        }
    }

    private mutating func finish(_ outcome: RunOutcome, _ finish: Record.Finish, in decision: inout RunDecision) {
        self.note(.finished(outcome, finish), in: &decision)
        decision.effects.append(.finished(outcome))
    }

    // MARK: Splits

    mutating func expand(
        _ items: [Payload],
        _ attempt: Record.Attempt,
        at now: Instant,
        in decision: inout RunDecision
    ) {
        guard case .split(let split, _) = self.plan.states[self.position.state].step else { return }
        let due = split.join.within.map { now.advanced(by: $0) }
        self.note(.expanded(Record.Expansion(items: items, cause: attempt, due: due)), in: &decision)
        if self.position.ending != nil { return self.turnBack(at: now, in: &decision) }
        self.beginBranches(at: now, in: &decision)
    }

    private mutating func beginBranches(at now: Instant, in decision: inout RunDecision) {
        guard case .branches(let branches) = self.position.step else { return }
        if let due = branches.due { decision.effects.append(.wake(at: due, nil)) }
        if self.decideJoin(at: now, in: &decision) { return }
        self.offerBranches(0..<branches.admitted, in: &decision)
    }

    private func offerBranches(_ range: Range<Int>, in decision: inout RunDecision) {
        let unit = WorkUnit()
        for index in range { self.ready(.branch(index), unit, in: &decision) }
    }

    /// How many branches of which visit are let in; `nil` outside of a split.
    var admission: (visit: Int, branches: Int)? {
        guard case .forward = self.phase, case .branches(let branches) = self.position.step else { return nil }
        return (self.position.visit, branches.admitted)
    }

    /// Offers the branches that were let in since, because others ended.
    func offerAdmitted(since before: (visit: Int, branches: Int)?, in decision: inout RunDecision) {
        guard let before, let after = self.admission, before.visit == after.visit, !self.isLeaving else { return }
        self.offerBranches(before.branches..<after.branches, in: &decision)
    }

    mutating func completeBranch(
        _ path: WorkPath,
        _ attempt: Record.Attempt,
        _ output: Payload,
        at now: Instant,
        in decision: inout RunDecision
    ) {
        guard case .branch(let index) = path else { return }
        self.note(.branchDone(index: index, .success(output), attempt), in: &decision)
        if self.isUndoable(path), !self.keepsLosers {
            self.note(.sagaPushed(self.push(path, output: output)), in: &decision)
        }
        self.decideJoin(at: now, in: &decision)
    }

    /// Asks the join; returns whether it is decided.
    @discardableResult
    mutating func decideJoin(timeIsUp: Bool = false, at now: Instant, in decision: inout RunDecision) -> Bool {
        guard case .branches(let branches) = self.position.step,
            case .split(let split, _) = self.plan.states[self.position.state].step
        else { return false }
        if branches.decision != nil || self.position.ending != nil {
            self.settle(at: now, in: &decision)
            return true
        }
        guard let verdict = branches.verdict(of: split.join, timeIsUp: timeIsUp) else { return false }
        let awaited = self.stopLeases(at: now, in: &decision)
        let settleBy = awaited ? now.advanced(by: self.limits.settleTime) : nil
        self.note(.joined(verdict, settleBy: settleBy), in: &decision)
        if let settleBy { decision.effects.append(.wake(at: settleBy, nil)) }
        self.settle(at: now, in: &decision)
        return true
    }

    // MARK: Settling

    /// Whether the run only waits for the last leases of this visit before it moves on or turns back.
    var isLeaving: Bool {
        if self.isEnding { return true }
        guard case .branches(let branches) = self.position.step else { return false }
        return branches.decision != nil
    }

    /// Whether the run is to end before its time.
    var isEnding: Bool { self.position.ending != nil }

    /// Stops what is leased: a compensatable attempt is asked and awaited, any other ends here.
    ///
    /// Returns whether anything is awaited.
    mutating func stopLeases(at now: Instant, in decision: inout RunDecision) -> Bool {
        self.endHedges(in: &decision)
        var awaited = false
        var abandoned: [Record.LostAttempt] = []
        for (key, unit) in self.units {
            let isAwaited = self.isUndoable(key.path)
            if let held = unit.held, unit.isUnoffered, !isAwaited {
                abandoned.append(Record.LostAttempt(path: key.path, attempt: held))
            }
            guard let lease = unit.lease else { continue }
            let ref = LeaseRef(key: key, attempt: unit.attempt, token: lease.token)
            guard isAwaited else {
                abandoned.append(Self.lost(ref, lease))
                decision.effects.append(.revoke(ref, lease.worker))
                continue
            }
            awaited = true
            guard !lease.isStopping else { continue }
            decision.effects.append(.stop(ref, lease.worker))
            self.change(key.path) { unit in unit.changeLease(lease.token) { $0.isStopping = true } }
        }
        if !abandoned.isEmpty { self.note(.attemptsLost(abandoned, .abandoned, retryAt: nil), in: &decision) }
        return awaited
    }

    /// Ends the second leases of attempts that two workers have.
    private mutating func endHedges(in decision: inout RunDecision) {
        var ended: [Record.LostAttempt] = []
        for (key, unit) in self.units {
            guard let hedge = unit.hedge else { continue }
            let ref = LeaseRef(key: key, attempt: unit.attempt, token: hedge.token)
            ended.append(Self.lost(ref, hedge))
            decision.effects.append(.revoke(ref, hedge.worker))
        }
        if !ended.isEmpty { self.note(.attemptsLost(ended, .hedged, retryAt: nil), in: &decision) }
    }

    /// A lease that ends without an outcome.
    static func lost(_ ref: LeaseRef, _ lease: Lease) -> Record.LostAttempt {
        let attempt = Record.Attempt(
            number: ref.attempt,
            token: lease.token,
            worker: lease.worker,
            startedAt: lease.since
        )
        return Record.LostAttempt(path: ref.key.path, attempt: attempt)
    }

    /// Leaves the visit as soon as nothing of it is awaited any more.
    mutating func settle(at now: Instant, in decision: inout RunDecision) {
        guard case .forward = self.phase, self.isLeaving, !self.isAwaiting else { return }
        self.leave(at: now, in: &decision)
    }

    /// Whether a lease is out, or was out under the last owner and may still be offered.
    private var isAwaiting: Bool {
        switch self.position.step {
        case .single(let unit), .expanding(let unit): unit.lease != nil || unit.isUnoffered
        case .branches(let branches): branches.leased > 0 || branches.unoffered > 0
        case .child(let child): self.awaits(child)
        case .timer, .waiting, .exit: false
        }
    }

    private mutating func leave(at now: Instant, in decision: inout RunDecision) {
        guard case .branches(let branches) = self.position.step else { return self.turnBack(at: now, in: &decision) }
        if self.position.ending != nil { return self.turnBack(at: now, in: &decision) }
        self.pushDoubts(in: &decision)
        decision.effects.append(.left(visit: self.position.visit))
        let range = branches.firstSeq...(self.nextSeq - 1)
        guard self.split?.gather == nil else { return self.gather(range, branches.all.count, at: now, in: &decision) }
        self.move(to: nil, context: nil, cause: nil, split: (range, branches.all.count), at: now, in: &decision)
    }

    /// Enters the state once more, now for the task that gets the results of its branches.
    private mutating func gather(
        _ range: ClosedRange<Int>,
        _ count: Int,
        at now: Instant,
        in decision: inout RunDecision
    ) {
        var entry = Record.Entry(
            state: self.plan.states[self.position.state].name,
            visit: self.position.visit + 1,
            context: self.position.context,
            split: range,
            branchCount: count,
            isGathering: true,
            trace: self.trace
        )
        entry.signals = self.signals.known(taking: nil, remembering: self.limits.signalIDs)
        self.note(.entered(entry), in: &decision)
        self.begin(at: now, in: &decision)
    }

    /// Pushes what may have been done by attempts that nobody knows the outcome of.
    mutating func pushDoubts(in decision: inout RunDecision) {
        switch self.position.step {
        case .single(let unit):
            guard unit.isInDoubt, self.coversUnknown(.step), !self.hasPushed(.step) else { return }
            self.note(.sagaPushed(self.push(.step, output: nil)), in: &decision)
        case .branches(let branches):
            guard !self.keepsLosers else { return }
            for (index, branch) in branches.all.enumerated() where branch.unit.isInDoubt && branch.result == nil {
                guard self.coversUnknown(.branch(index)) else { continue }
                self.note(.sagaPushed(self.push(.branch(index), output: nil)), in: &decision)
            }
        case .expanding, .timer, .waiting, .child, .exit: break
        }
    }

    private func coversUnknown(_ path: WorkPath) -> Bool { self.task(path)?.undo?.coversUnknown ?? false }

    /// Whether branches that end from now on stay as they are, because the join was satisfied without them.
    private var keepsLosers: Bool {
        guard case .split(let split, _) = self.plan.states[self.position.state].step, split.losers == .keep,
            case .branches(let branches) = self.position.step
        else { return false }
        return branches.decision == .satisfied
    }

    /// A branch failed for good; an earlier attempt of it may have done something all the same.
    mutating func failBranch(
        _ index: Int,
        _ attempt: Record.Attempt,
        _ failure: Failure,
        at now: Instant,
        in decision: inout RunDecision
    ) {
        let path = WorkPath.branch(index)
        let isInDoubt = self.unit(path, visit: self.position.visit)?.isInDoubt ?? false
        self.note(.branchDone(index: index, .failure(failure), attempt), in: &decision)
        if isInDoubt, self.coversUnknown(path), !self.keepsLosers {
            self.note(.sagaPushed(self.push(path, output: nil)), in: &decision)
        }
        self.decideJoin(at: now, in: &decision)
    }

    private func hasPushed(_ path: WorkPath) -> Bool {
        self.saga.contains { $0.visit == self.position.visit && $0.path == path }
    }

    // MARK: Back

    /// Turns back: everything pushed is undone, then the run ends.
    mutating func turnBack(at now: Instant, in decision: inout RunDecision) {
        guard let ending = self.position.ending else { return }
        self.pushDoubts(in: &decision)
        if case .branches = self.position.step { decision.effects.append(.left(visit: self.position.visit)) }
        if !self.saga.isEmpty { self.note(.compensating(ending), in: &decision) }
        self.undoNext(at: now, in: &decision)
    }

    /// Offers the undo of the newest entry, or ends the run when there is none left.
    mutating func undoNext(at now: Instant, in decision: inout RunDecision) {
        if let entry = self.saga.last {
            return self.ready(.undo(seq: entry.seq), visit: entry.visit, WorkUnit(), in: &decision)
        }
        var finish = Record.Finish(state: nil, visit: self.position.visit, context: self.position.context)
        var ending = self.position.ending
        if case .undoing(let undoing) = self.phase {
            finish.notUndone = undoing.notUndone
            ending = undoing.ending
        }
        guard let ending else { return }
        if case .exit = self.plan.states[self.position.state].step {
            finish.state = self.plan.states[self.position.state].name
        }
        self.finish(ending.outcome, finish, in: &decision)
    }
}
