// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Run {
    /// Applies one durable fact: the only place where anything durable about a run changes.
    ///
    /// Pure and total: facts that do not fit the run's state are a defect of whoever chose them and stop the process.
    public mutating func apply(record: Record) {
        let seq = self.nextSeq
        self.nextSeq += 1
        switch record {
        case .started(let entry), .entered(let entry), .migrated(let entry, _):
            self.enter(entry, seq: seq)
        case .expanded(let expansion):
            let (items, limit) = (expansion.items, self.split?.inFlight)
            self.position.step = .branches(
                Branches(
                    items: items,
                    count: items.count,
                    limit: limit,
                    firstSeq: seq,
                    since: self.clock,
                    due: expansion.due
                )
            )
        case .branchDone(let index, let result, _):
            self.changeBranches { $0.end(index, result) }
        case .joined(let decision, let settleBy):
            self.changeBranches { branches in
                branches.decision = decision
                branches.settleBy = settleBy
            }
            if case .failed(let failure) = decision { self.position.ending = self.position.ending ?? .failed(failure) }
        case .attemptFailed(let path, let attempt, let failure, let retryAt):
            self.change(path) { unit in
                if failure.leavesDoubt { unit.isInDoubt = true }
                unit.fail(attempt, retryAt: retryAt)
            }
            if retryAt == nil { self.failForGood(path, failure) }
        case .attemptsLost(let lost, let reason, let retryAt):
            let (crashLimit, now) = (self.limits.crashes, self.clock)
            for one in lost {
                self.change(one.path) { unit in
                    unit.lose(one.attempt, reason, retryAt: retryAt, crashLimit: crashLimit, at: now)
                }
                if let failure = reason.failure, retryAt == nil { self.failForGood(one.path, failure) }
            }
        case .attemptHeld(let path, let attempt):
            self.change(path) { $0.hold(attempt) }
        case .stepCursor(let path, let attempt, let cursor):
            let now = self.clock
            self.change(path) { $0.proceed(from: attempt, cursor, seq: seq, at: now) }
        case .checkpoint(let path, let attempt, let cursor):
            self.change(path) { $0.checkpoint(attempt, cursor, seq: seq) }
        case .sagaPushed(let push):
            self.push(push, seq: seq)
        case .compensating(let ending):
            self.phase = .undoing(Undoing(ending: ending))
        case .signalled(let signal): self.signals.keep(signal, seq: seq)
        case .childStarted(let start): self.position.step = .child(Child(run: start.run))
        case .childEnded(let result): self.changeChild { $0.result = result }
        case .intervened(let path, let verb, _, _): self.intervened(path, verb)
        case .compensated(_, _, let failure):
            self.finishUndo(failed: failure != nil)
        case .cancelRequested(let ending, let settleBy):
            self.position.ending = self.position.ending ?? ending
            self.position.settleBy = settleBy
        case .finished(let outcome, let finish):
            self.position.visit = finish.visit
            self.position.context = finish.context
            self.phase = .finished(outcome)
        }
    }

    private mutating func enter(_ entry: Record.Entry, seq: Int) {
        guard let state = self.plan.index(of: entry.state) else {
            fatalError("run \(self.id) entered '\(entry.state)', which \(self.plan.key) does not have")
        }
        self.trace = entry.trace
        var joined: [BranchOutcome]?
        if entry.split != nil {
            if case .branches(let branches) = self.position.step { joined = branches.results }
            if entry.split == self.position.joinedFrom { joined = self.position.joined }
        }
        let arrival = self.arrival(entry.arrival)
        self.position = Position(
            state: state,
            visit: entry.visit,
            context: entry.context,
            joined: joined,
            joinedFrom: entry.split,
            arrival: arrival,
            arrivalRecord: entry.arrival,
            step: self.firstStep(of: state, entry, seq: seq),
            since: self.clock,
            due: self.plan.states[state].deadline == nil ? nil : entry.due
        )
        if case .exit(.failure) = self.plan.states[state].step {
            self.position.ending = .failed(.exit(entry.state))
        }
    }

    /// What the record hands over; the store adds it when the run is resumed from here.
    private mutating func arrival(_ record: Record.ArrivalRecord?) -> Arrival? {
        switch record {
        case nil: return nil
        case self.position.arrivalRecord: return self.position.arrival
        case .signal(let seq):
            return self.signals.take(seq: seq, remembering: self.limits.signalIDs).map(Arrival.signal)
        case .child:
            guard case .child(let child) = self.position.step else { return nil }
            return child.result.map(Arrival.child)
        }
    }

    /// A person decided: what is tried again starts anew, what is skipped or resolved is closed by the next record.
    private mutating func intervened(_ path: WorkPath, _ verb: Intervention.Verb) {
        if case .forward = self.phase, case .child = self.position.step {
            return self.changeChild { $0.isAbandoned = true }
        }
        guard verb == .retry else { return }
        self.change(path) { $0.startAnew() }
    }

    private mutating func changeChild(_ body: (inout Child) -> Void) {
        guard case .child(var child) = self.position.step else { return }
        body(&child)
        self.position.step = .child(child)
    }

    private func firstStep(of state: Plan.Index, _ entry: Record.Entry, seq: Int) -> Position.Step {
        switch self.plan.states[state].step {
        case .task, .router: return .single(WorkUnit())
        case .split(let split, _):
            if entry.isGathering { return .single(WorkUnit()) }
            guard case .fixed(let branches) = split.work else { return .expanding(WorkUnit()) }
            return .branches(
                Branches(
                    items: [],
                    count: branches.count,
                    limit: split.inFlight,
                    firstSeq: seq,
                    since: self.clock,
                    due: entry.due
                )
            )
        case .child: return .expanding(WorkUnit())
        case .wait: return .waiting(due: entry.due)
        case .timer: return .timer(due: entry.due ?? self.startedAt)
        case .exit: return .exit
        }
    }

    /// The split of the state where the run is.
    var split: SplitDefinition? {
        if case .split(let split, _) = self.plan.states[self.position.state].step { split } else { nil }
    }

    private mutating func failForGood(_ path: WorkPath, _ failure: Failure) {
        switch path {
        case .step, .expand: self.position.ending = self.position.ending ?? .failed(failure.asReason)
        case .branch: break  // `branchDone` says so itself
        case .undo:  // `compensated` says so itself, unless a person is to decide
            if self.plan.definition.onUndoFailure == .block { self.change(path) { $0.park() } }
        }
    }

    private mutating func push(_ push: Record.SagaPush, seq: Int) {
        guard let state = self.plan.index(of: push.state) else {
            fatalError("run \(self.id) pushed an undo of '\(push.state)', which \(self.plan.key) does not have")
        }
        self.saga.append(
            SagaEntry(seq: seq, state: state, visit: push.visit, path: push.path, output: push.output)
        )
    }

    private mutating func finishUndo(failed: Bool) {
        guard case .undoing(var undoing) = self.phase else { fatalError("run \(self.id) undid without turning back") }
        invariant(!self.saga.isEmpty, "run \(self.id) undid more than it had pushed")
        self.saga.removeLast()
        undoing.unit = WorkUnit()
        if failed { undoing.notUndone += 1 }
        self.phase = .undoing(undoing)
    }

    // MARK: Access in place

    /// Changes the branches without copying them; does nothing when the run is in no split.
    mutating func changeBranches(_ body: (inout Branches) -> Void) {
        guard case .branches(var branches) = self.position.step else { return }
        self.position.step = .exit  // gives up its reference, so that the change happens in place
        body(&branches)
        self.position.step = .branches(branches)
    }

    /// Changes a piece of work; does nothing when the run has none of that path now.
    mutating func change(_ path: WorkPath, _ body: (inout WorkUnit) -> Void) {
        switch path {
        case .branch(let index):
            guard case .forward = self.phase else { return }
            self.changeBranches { branches in
                guard branches.all.indices.contains(index) else { return }
                branches.change(index, body)
            }
        case .step:
            guard case .forward = self.phase, case .single(var unit) = self.position.step else { return }
            body(&unit)
            self.position.step = .single(unit)
        case .expand:
            guard case .forward = self.phase, case .expanding(var unit) = self.position.step else { return }
            body(&unit)
            self.position.step = .expanding(unit)
        case .undo:
            guard case .undoing(var undoing) = self.phase else { return }
            body(&undoing.unit)
            self.phase = .undoing(undoing)
        }
    }

    /// A piece of work as it is now; `nil` when the run has none of that path and visit.
    public func unit(_ path: WorkPath, visit: Int) -> WorkUnit? {
        // One look at a time: a switch over all three would copy what it looks at.
        if case .undo(let seq) = path {
            guard case .undoing(let undoing) = self.phase, let top = self.saga.last, top.seq == seq, top.visit == visit
            else { return nil }
            return undoing.unit
        }
        guard visit == self.position.visit, case .forward = self.phase else { return nil }
        switch path {
        case .step:
            guard case .single(let unit) = self.position.step else { return nil }
            return unit
        case .expand:
            guard case .expanding(let unit) = self.position.step else { return nil }
            return unit
        case .branch(let index):
            guard case .branches(let branches) = self.position.step, branches.all.indices.contains(index) else {
                return nil
            }
            return branches.all[index].unit
        case .undo: return nil
        }
    }
}
