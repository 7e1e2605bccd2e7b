// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Run {
    /// Decides about a report.
    ///
    /// Only the holder of the current token is heard; `answer` is `lost` for everybody else, and then nothing changes.
    public mutating func apply(
        _ report: AttemptReport,
        at now: Instant
    ) -> (answer: ReportAnswer, decision: RunDecision) {
        let (path, visit) = (report.lease.key.path, report.lease.key.visit)
        var decision = RunDecision()
        self.clock = now
        guard let unit = self.unit(path, visit: visit), let lease = unit.lease(under: report.lease.token),
            unit.attempt == report.lease.attempt
        else { return (.lost, decision) }
        let attempt = Record.Attempt(
            number: unit.attempt,
            token: lease.token,
            worker: lease.worker,
            startedAt: lease.since
        )
        let admission = self.admission
        if unit.hedge != nil {
            guard self.isOutcome(report.result, of: path) else {
                self.dropHedged(path, attempt, in: &decision)
                return (.accepted, decision)
            }
            self.endOthers(than: report.lease, unit, in: &decision)
        }
        switch report.result {
        case .completed(let completion):
            self.complete(path, attempt, completion, at: now, in: &decision)
        case .carried(let completion, let following):
            self.complete(path, attempt, completion, at: now, in: &decision)
            self.carry(following, attempt, at: now, in: &decision)
        case .failed(let failure, let retryAfter):
            self.fail(path, attempt, failure, retryAfter: retryAfter, at: now, in: &decision)
        case .stopped(let failure):
            if let reason = LossReason(of: failure, isStopping: lease.isStopping) {
                self.lose(path, attempt, reason, isRetryable: failure.isRetryable, at: now, in: &decision)
            } else {
                self.fail(path, attempt, failure.inDoubt, retryAfter: nil, at: now, in: &decision)
            }
        case .released:
            self.lose(path, attempt, .released, at: now, in: &decision)
        }
        self.offerAdmitted(since: admission, in: &decision)
        return (.accepted, decision)
    }

    /// The holder of a lease makes a cursor durable, and goes on.
    ///
    /// `answer` is `lost` for everybody but the holder of the current token, and then nothing changes.
    public mutating func checkpoint(
        _ lease: LeaseRef,
        _ cursor: Payload,
        at now: Instant
    ) -> (answer: ReportAnswer, decision: RunDecision) {
        var decision = RunDecision()
        self.clock = now
        let path = lease.key.path
        guard let unit = self.unit(path, visit: lease.key.visit), let held = unit.lease, held.token == lease.token,
            unit.attempt == lease.attempt, self.objection(to: .again(cursor: cursor, after: nil), of: path) == nil
        else { return (.lost, decision) }
        let attempt = Record.Attempt(
            number: unit.attempt,
            token: held.token,
            worker: held.worker,
            startedAt: held.since
        )
        let record = unit.cursor(cursor, resumeAt: nil, most: self.limits.cursorRecords)
        self.note(.checkpoint(path, attempt, record), in: &decision)
        return (.accepted, decision)
    }

    /// A lease ended and its worker will not report; does nothing when the token is not current.
    public mutating func lost(_ lease: LeaseRef, _ reason: LossReason, at now: Instant) -> RunDecision {
        var decision = RunDecision()
        self.clock = now
        let path = lease.key.path
        guard let unit = self.unit(path, visit: lease.key.visit), let held = unit.lease(under: lease.token) else {
            return decision
        }
        let attempt = Record.Attempt(
            number: unit.attempt,
            token: held.token,
            worker: held.worker,
            startedAt: held.since
        )
        if unit.hedge != nil {
            self.dropHedged(path, attempt, in: &decision)
            return decision
        }
        let admission = self.admission
        self.lose(path, attempt, reason.isCrash && !held.hasStarted ? .unstarted : reason, at: now, in: &decision)
        self.offerAdmitted(since: admission, in: &decision)
        return decision
    }

    // MARK: The three ends of an attempt

    mutating func complete(
        _ path: WorkPath,
        _ attempt: Record.Attempt,
        _ completion: AttemptReport.Completion,
        at now: Instant,
        in decision: inout RunDecision
    ) {
        if let failure = self.objection(to: completion, of: path) {
            // The work is done, although nobody can use what came out of it.
            return self.fail(path, attempt, failure.inDoubt, retryAfter: nil, at: now, in: &decision)
        }
        switch completion {
        case .task(let context, let next, let output):
            if self.isUndoable(path) {
                var push = self.push(path, output: output ?? .emptyObject)
                // When the run is about to turn back, no `entered` follows that would name the attempt.
                if self.position.ending != nil { push.cause = attempt }
                self.note(.sagaPushed(push), in: &decision)
            }
            self.move(to: next, context: context, cause: attempt, at: now, in: &decision)
        case .route(let next):
            self.move(to: next, context: nil, cause: attempt, at: now, in: &decision)
        case .items(let items):
            if case .child = self.plan.states[self.position.state].step, let context = items.first {
                return self.startChild(context: context, attempt, at: now, in: &decision)
            }
            self.expand(items, attempt, at: now, in: &decision)
        case .output(let output):
            self.completeBranch(path, attempt, output, at: now, in: &decision)
        case .undone:
            guard let entry = self.saga.last else { return }
            self.note(.compensated(entry: entry.seq, attempt, failure: nil), in: &decision)
            self.undoNext(at: now, in: &decision)
        case .again(let cursor, let after):
            self.goOn(path, attempt, cursor: cursor, after: after, at: now, in: &decision)
        }
    }

    /// The attempt ended well, and the next one carries on from its cursor.
    private mutating func goOn(
        _ path: WorkPath,
        _ attempt: Record.Attempt,
        cursor: Payload?,
        after: Span?,
        at now: Instant,
        in decision: inout RunDecision
    ) {
        let pause = after ?? self.task(path)?.repetition?.pause ?? Span(milliseconds: 0)
        let resumeAt = pause.milliseconds > 0 && !self.isLeaving ? now.advanced(by: pause) : nil
        guard let unit = self.unit(path, visit: self.position.visit) else { return }
        let record = unit.cursor(cursor, resumeAt: resumeAt, most: self.limits.cursorRecords)
        self.note(.stepCursor(path, attempt, record), in: &decision)
        if let resumeAt { return decision.effects.append(.wake(at: resumeAt, path)) }
        self.offerAgain(path, at: now, in: &decision)
    }

    private mutating func fail(
        _ path: WorkPath,
        _ attempt: Record.Attempt,
        _ failure: Failure,
        retryAfter: Span?,
        at now: Instant,
        in decision: inout RunDecision
    ) {
        let failure = self.cut(failure)
        let retryAt = self.retryAt(path, attempt, failure, after: retryAfter, at: now)
        self.note(.attemptFailed(path, attempt, failure, retryAt: retryAt), in: &decision)
        self.afterFailure(path, attempt, failure, retryAt: retryAt, at: now, in: &decision)
    }

    /// No worker began the work in time.
    mutating func giveUpStarting(
        _ path: WorkPath,
        _ unit: WorkUnit,
        at now: Instant,
        in decision: inout RunDecision
    ) {
        let bound = self.task(path)?.startWithin.map { "\($0.milliseconds) ms" } ?? "its time"
        let message = "no worker began '\(self.plan.states[self.position.state].name)' (\(path)) within \(bound)"
        let failure = Failure(code: "notStarted", message: message, isRetryable: false)
        let admission = self.admission
        self.fail(path, Record.Attempt(number: unit.attempt), failure, retryAfter: nil, at: now, in: &decision)
        self.offerAdmitted(since: admission, in: &decision)
    }

    mutating func lose(
        _ path: WorkPath,
        _ attempt: Record.Attempt,
        _ reason: LossReason,
        isRetryable: Bool = true,
        at now: Instant,
        in decision: inout RunDecision
    ) {
        var failure = reason.failure
        failure?.isRetryable = isRetryable
        let retryAt = failure.flatMap { self.retryAt(path, attempt, $0, after: nil, at: now) }
        let lost = Record.LostAttempt(path: path, attempt: attempt)
        self.note(.attemptsLost([lost], reason, retryAt: retryAt), in: &decision)
        if let failure = reason.failure {
            return self.afterFailure(path, attempt, failure, retryAt: retryAt, at: now, in: &decision)
        }
        self.offerAgain(path, at: now, in: &decision)
    }

    private mutating func afterFailure(
        _ path: WorkPath,
        _ attempt: Record.Attempt,
        _ failure: Failure,
        retryAt: Instant?,
        at now: Instant,
        in decision: inout RunDecision
    ) {
        if let retryAt {
            decision.effects.append(.wake(at: retryAt, path))
            return self.settle(at: now, in: &decision)
        }
        let failure = failure.asReason
        switch path {
        case .step, .expand: self.settle(at: now, in: &decision)
        case .branch(let index):
            self.failBranch(index, attempt, failure, at: now, in: &decision)
        case .undo:
            // With this policy the record of the failure parked the undo: a person decides.
            guard self.plan.definition.onUndoFailure != .block, let entry = self.saga.last else { return }
            self.note(.compensated(entry: entry.seq, attempt, failure: failure), in: &decision)
            self.undoNext(at: now, in: &decision)
        }
    }

    /// When a failed attempt is followed by the next one; `nil` when it was the last.
    private func retryAt(
        _ path: WorkPath,
        _ attempt: Record.Attempt,
        _ failure: Failure,
        after pause: Span?,
        at now: Instant
    ) -> Instant? {
        guard let task = self.task(path), let unit = self.unit(path, visit: self.visit(of: path)) else { return nil }
        if case .forward = self.phase, self.isLeaving { return nil }
        var policy = task.definition.retry
        var budget = task.repetition?.errorBudget
        if case .undo = path { (policy, budget) = (task.undo?.retry ?? .never, nil) }
        policy = policy.policy(after: failure.code)
        if let budget, unit.allFailures >= budget { return nil }
        var hash = SplitMix64(seed: self.seed ^ UInt64(truncatingIfNeeded: self.nextSeq))
        let (failures, seed) = (unit.failures + 1, hash.next())
        guard let pause = policy.pause(afterFailures: failures, of: failure, retryAfter: pause, seed: seed) else {
            return nil
        }
        let next = now.advanced(by: pause)
        if let most = policy.maximumElapsed, let began = unit.began ?? attempt.startedAt,
            next > began.advanced(by: most)
        {
            return nil
        }
        return next
    }

    func visit(of path: WorkPath) -> Int {
        guard case .undo = path, let entry = self.saga.last else { return self.position.visit }
        return entry.visit
    }

    func cut(_ failure: Failure) -> Failure {
        guard failure.message.count > self.limits.messageCharacters else { return failure }
        var cut = failure
        cut.message = String(failure.message.prefix(self.limits.messageCharacters)) + "…"
        return cut
    }

    func push(_ path: WorkPath, output: Payload?) -> Record.SagaPush {
        let state = self.plan.states[self.position.state].name
        return Record.SagaPush(state: state, visit: self.position.visit, path: path, output: output)
    }
}
