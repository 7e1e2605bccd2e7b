// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension Ledger.Story {
    typealias WorkID = Ledger.WorkID

    /// Follows one more record; returns the promise that it breaks.
    mutating func see(_ record: Record, seq: Int) -> String? {
        switch record {
        case .started(let entry):
            return self.enter(entry)
        case .entered(let entry):
            return self.leave(by: entry.cause, context: entry.context) ?? self.enter(entry)
        case .expanded(let expansion):
            (self.branches, self.outputs, self.isSatisfied) = (expansion.items.count, [], false)
            return self.end(.expand, expansion.cause) ?? self.accept(.expand)
        case .branchDone(let index, let outcome, let attempt):
            return self.end(.branch(index), attempt) ?? self.branchDone(index, outcome, attempt)
        case .joined(let decision, _):
            guard decision == .satisfied else { return nil }
            self.isSatisfied = true
            guard case .split(let split, _) = self.plan.states[self.state].step else { return "a join without a split" }
            let successes = self.outputs.count
            return successes >= split.join.required(of: self.branches)
                ? nil : "the join is satisfied by \(successes) of \(self.branches) branches"
        case .attemptFailed(let path, let attempt, let failure, _):
            if let problem = self.end(path, attempt) { return problem }
            if failure.leavesDoubt { self.works[self.id(path)]?.isInDoubt = true }
            return nil
        case .attemptsLost(let lost, let reason, _):
            for one in lost {
                if let problem = self.lose(one, reason) { return problem }
            }
            return nil
        case .attemptHeld: return nil
        case .stepCursor(let path, let attempt, let cursor):
            return self.see(cursor, path, of: attempt) ?? self.end(path, attempt)
        case .checkpoint(let path, let attempt, let cursor):
            if let token = attempt.token, self.endedTokens.contains(token) {
                return "a checkpoint of \(path) under a lease that has ended"
            }
            return self.see(cursor, path, of: attempt)
        case .sagaPushed(let push): return self.push(push, seq: seq)
        case .compensating: return self.settleVisit()
        case .compensated(let entry, let attempt, _):
            if let attempt, let problem = self.end(.undo(seq: entry), attempt) { return problem }
            guard self.pushes.last == entry else {
                return "undoes \(entry), but the newest is \(self.pushes.last ?? 0)"
            }
            self.pushes.removeLast()
            return self.accept(.undo(seq: entry))
        case .cancelRequested: return nil
        case .signalled(let signal):
            if let id = signal.id, !self.signalIDs.insert(id).inserted { return "signal \(id) is taken in twice" }
            self.signals[seq] = signal.name
            return nil
        case .childStarted(let start):
            self.child = start.run
            return self.end(.expand, start.cause) ?? self.accept(.expand)
        case .childEnded(let result):
            guard self.child == result.run else { return "the end of \(result.run), which is no child of this visit" }
            self.child = nil
            return nil
        case .intervened: return nil
        case .migrated(let entry, _): return self.enter(entry)
        case .finished(let outcome, let finish):
            self.isFinished = true
            if outcome.isSuccess { return self.leave(by: finish.cause, context: finish.context) }
            if !self.pushes.isEmpty { return "ends with \(self.pushes.count) entries that nobody undid" }
            return self.settleVisit()
        }
    }

    private mutating func lose(_ one: Record.LostAttempt, _ reason: LossReason) -> String? {
        if let token = one.attempt.token { self.endedTokens.insert(token) }
        if reason == .hedged {
            // The attempt goes on under another lease, or ended with its outcome.
            self.works[self.id(one.path), default: Ledger.Work()].isInDoubt = true
            return nil
        }
        if let problem = self.end(one.path, one.attempt) { return problem }
        if reason.leavesDoubt { self.works[self.id(one.path)]?.isInDoubt = true }
        return nil
    }

    /// A cursor is what its own lease said, or else the one that stood there before.
    private mutating func see(_ cursor: Record.Cursor, _ path: WorkPath, of attempt: Record.Attempt) -> String? {
        let before = self.works[self.id(path)]?.cursor
        guard let payload = cursor.payload else { return before == nil ? nil : "the cursor forgets the one before" }
        self.works[self.id(path), default: Ledger.Work()].cursor = payload
        guard payload != before, !self.isOwn(payload, attempt) else { return nil }
        return "the cursor is of another lease"
    }

    /// The work of this visit, by default the present one; what is undone is known by its number alone.
    func id(_ path: WorkPath, visit: Int? = nil) -> WorkID {
        if case .undo = path { return WorkID(visit: 0, path: path) }
        return WorkID(visit: visit ?? self.visit, path: path)
    }

    private func task(_ path: WorkPath) -> TaskDefinition? { self.plan.task(path, in: self.state) }

    // MARK: Attempts

    private mutating func end(_ path: WorkPath, _ attempt: Record.Attempt) -> String? {
        var work = self.works[self.id(path)] ?? Ledger.Work()
        defer { self.works[self.id(path)] = work }
        let isSame = attempt.number == work.attempt && attempt.token == work.token
        if !isSame, attempt.number != work.attempt + 1 {
            return "attempt \(attempt.number) of \(path) ends after attempt \(work.attempt)"
        }
        if let last = work.token, let token = attempt.token, token < last { return "the token of \(path) shrinks" }
        work.attempt = attempt.number
        work.token = attempt.token ?? work.token
        return nil
    }

    private mutating func accept(_ path: WorkPath) -> String? {
        let wasDone = self.works[self.id(path), default: Ledger.Work()].isDone
        self.works[self.id(path)]?.isDone = true
        return wasDone ? "the outcome of \(path) is accepted twice" : nil
    }

    /// Whether these bytes were made under this lease: workers write their token into everything they return.
    private func isOwn(_ payload: Payload, _ attempt: Record.Attempt) -> Bool {
        payload.bytes == attempt.token.map { Array($0.description.utf8) }
    }

    private mutating func branchDone(
        _ index: Int,
        _ outcome: BranchOutcome,
        _ attempt: Record.Attempt
    ) -> String? {
        guard case .success(let output) = outcome else { return self.accept(.branch(index)) }
        if !self.isOwn(output, attempt) { return "branch \(index) has the outcome of another lease" }
        if !self.outputs.insert(output.bytes).inserted { return "one outcome counts for two branches" }
        if case .split(let split, _) = self.plan.states[self.state].step, self.task(.branch(index))?.undo != nil,
            split.losers == .undo || !self.isSatisfied
        {
            self.owed.insert(self.id(.branch(index)))
        }
        return self.accept(.branch(index))
    }

    // MARK: Visits

    private mutating func enter(_ entry: Record.Entry) -> String? {
        guard entry.visit == self.visit + 1 else { return "visit \(entry.visit) follows \(self.visit)" }
        if case .signal(let seq) = entry.arrival {
            guard case .wait(let wait, _) = self.plan.states[self.state].step else { return "a signal without a wait" }
            let oldest = self.signals.filter { $0.value == wait.signal }.keys.min()
            guard oldest == seq else { return "takes signal \(seq), but the oldest one is \(oldest ?? 0)" }
            self.signals[seq] = nil
        }
        self.child = nil
        self.visit = entry.visit
        self.state = self.plan.index(of: entry.state) ?? 0
        if case .split(let split, _) = self.plan.states[self.state].step, case .fixed(let branches) = split.work {
            (self.branches, self.outputs, self.isSatisfied) = (branches.count, [], false)
        }
        return nil
    }

    private var isRouter: Bool {
        if case .router = self.plan.states[self.state].step { true } else { false }
    }

    /// The visit ends in favour of the next one.
    private mutating func leave(by cause: Record.Attempt?, context: Payload) -> String? {
        if let cause {
            if let problem = self.end(.step, cause) ?? self.accept(.step) { return problem }
            if let task = self.task(.step), !self.isRouter {
                if !self.isOwn(context, cause) { return "the context is of another lease" }
                if task.undo != nil, !self.pushed.contains(self.id(.step)) { return "what was done is not pushed" }
            }
        }
        return self.settleVisit()
    }

    /// Nothing that was or may have been done in this visit may be forgotten.
    private func settleVisit() -> String? {
        if let owed = self.owed.first { return "\(owed.path) of visit \(owed.visit) was done and is not pushed" }
        for (id, work) in self.works where id.visit == self.visit && work.isInDoubt && !self.pushed.contains(id) {
            guard self.task(id.path)?.undo?.coversUnknown ?? false else { continue }
            if case .split(let split, _) = self.plan.states[self.state].step, split.losers == .keep, self.isSatisfied {
                continue
            }
            return "\(id.path) of visit \(id.visit) is in doubt and not pushed"
        }
        return nil
    }

    private mutating func push(_ push: Record.SagaPush, seq: Int) -> String? {
        let id = WorkID(visit: push.visit, path: push.path)
        self.pushes.append(seq)
        self.owed.remove(id)
        if let cause = push.cause, let problem = self.end(push.path, cause) ?? self.accept(push.path) { return problem }
        return self.pushed.insert(id).inserted ? nil : "\(push.path) of visit \(push.visit) is pushed twice"
    }
}
