// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Run {
    /// Somebody wants the run to end.
    ///
    /// Nothing happens when it already ends, unless it is blocked on the way back: then the undo that cannot go on is
    /// given up.
    public mutating func cancel(by caller: String, at now: Instant) -> RunDecision {
        self.clock = now
        guard case .undoing(let undoing) = self.phase else { return self.end(.cancelled(by: caller), at: now) }
        var decision = RunDecision()
        guard undoing.unit.state == .parked, let entry = self.saga.last else { return decision }
        let message = "given up by \(caller): " + (self.blockage.map { String($0.prefix { $0 != ";" }) } ?? "")
        let failure = self.cut(Failure(code: "givenUp", message: message, isRetryable: false))
        self.note(.compensated(entry: entry.seq, nil, failure: failure), in: &decision)
        self.undoNext(at: now, in: &decision)
        return decision
    }

    /// An instant has come that ``RunEffect/wake(at:_:)`` named; wakes that came too early or too late do nothing.
    public mutating func wake(_ path: WorkPath?, at now: Instant) -> RunDecision {
        self.clock = now
        guard let path else { return self.wakeRun(at: now) }
        var decision = RunDecision()
        let visit = if case .undo = path { self.saga.last?.visit ?? 0 } else { self.position.visit }
        guard let unit = self.unit(path, visit: visit) else { return decision }
        switch unit.state {
        case .backingOff(let until):
            guard now >= until else { return decision }
            self.change(path) { $0.state = .ready }
            self.offerAgain(path, at: now, in: &decision)
        case .ready:
            if let late = self.startBy(path, unit), now >= late, !unit.isUnoffered, !self.isLeaving {
                self.giveUpStarting(path, unit, at: now, in: &decision)
            }
        case .leased(let lease):
            guard let second = self.hedgeAt(path, unit), now >= second, var offer = self.offer(path, unit) else {
                break
            }
            offer.avoided = lease.worker
            decision.effects.append(.ready(offer))
        case .parked, .closed: break
        }
        return decision
    }

    private mutating func wakeRun(at now: Instant) -> RunDecision {
        var decision = RunDecision()
        guard case .forward = self.phase else { return decision }
        if let deadline = self.deadline, now >= deadline, self.position.ending == nil {
            return self.end(.timedOut, at: now)
        }
        switch self.position.step {
        case .timer(let due):
            if now >= due { self.move(to: nil, context: nil, cause: nil, at: now, in: &decision) }
        case .waiting(let due):
            if let due, now >= due { self.endWait(at: now, in: &decision) }
        case .branches(let branches):
            if let settleBy = branches.settleBy ?? self.position.settleBy, now >= settleBy {
                self.abandon(at: now, in: &decision)
            } else if let due = branches.due, now >= due, branches.decision == nil {
                self.decideJoin(timeIsUp: true, at: now, in: &decision)
            }
        case .single, .expanding:
            if let settleBy = self.position.settleBy {
                if now >= settleBy { self.abandon(at: now, in: &decision) }
            } else if let due = self.position.due, now >= due {
                return self.end(.failed(self.overdue), at: now)
            }
        case .child, .exit: break
        }
        return decision
    }

    private var overdue: Failure {
        let state = self.plan.states[self.position.state]
        let bound = state.deadline.map { " within \($0.milliseconds) ms" } ?? ""
        return Failure(code: "deadline", message: "'\(state.name)' was not done\(bound)", isRetryable: false)
    }

    private mutating func end(_ ending: Ending, at now: Instant) -> RunDecision {
        var decision = RunDecision()
        self.end(ending, at: now, in: &decision)
        return decision
    }

    mutating func end(_ ending: Ending, at now: Instant, in decision: inout RunDecision) {
        guard case .forward = self.phase, self.position.ending == nil else { return }
        self.cancelChild(in: &decision)
        let awaited = self.stopLeases(at: now, in: &decision)
        let settleBy = awaited ? now.advanced(by: self.limits.settleTime) : nil
        self.note(.cancelRequested(ending, settleBy: settleBy), in: &decision)
        if let settleBy { decision.effects.append(.wake(at: settleBy, nil)) }
        self.settle(at: now, in: &decision)
    }

    /// Gives up on the attempts that were asked to stop and did not answer.
    private mutating func abandon(at now: Instant, in decision: inout RunDecision) {
        let leases = self.leases
        for (ref, lease) in leases { decision.effects.append(.revoke(ref, lease.worker)) }
        if !leases.isEmpty {
            self.note(.attemptsLost(leases.map { Self.lost($0.0, $0.1) }, .abandoned, retryAt: nil), in: &decision)
        }
        self.settle(at: now, in: &decision)
    }

    /// The work may be granted again, unless the run is about to leave it.
    mutating func offerAgain(_ path: WorkPath, at now: Instant, in decision: inout RunDecision) {
        if case .forward = self.phase, self.isLeaving { return self.settle(at: now, in: &decision) }
        let visit = if case .undo = path { self.saga.last?.visit ?? 0 } else { self.position.visit }
        guard let unit = self.unit(path, visit: visit), unit.state == .ready else { return }
        self.ready(path, visit: visit, unit, in: &decision)
    }

    // MARK: A new owner

    /// Which attempts of an earlier owner nobody has offered.
    public enum Unoffered: Hashable, Sendable {
        /// Those that the earlier owner may have granted without a record.
        case unrecorded
        /// Those that are recorded as held; they were given more time.
        case held
    }

    /// Declares lost what no worker offered, and offers the work again.
    ///
    /// - Parameters:
    ///   - which: the attempts that are meant.
    ///   - died: the epoch of an owner whose workers lived within it and died with it; `nil` when there was none. What
    ///     they had is charged as a crash, but for the first loss: that tells nothing about who is to blame.
    ///   - now: the store's time.
    /// - Returns: the records and effects.
    public mutating func recover(_ which: Unoffered, died: Epoch? = nil, at now: Instant) -> RunDecision {
        self.clock = now
        var decision = RunDecision()
        var lost: [Record.LostAttempt] = []
        var charged: [Record.LostAttempt] = []
        for (key, unit) in self.units {
            if let held = unit.held {
                // What is not awaited by a run that is about to leave need not be waited for either.
                let isUnwanted = self.isLeaving && !self.isUndoable(key.path)
                guard unit.isUnoffered, which == .held || isUnwanted else { continue }
                let isCharged = unit.isWary && died != nil && held.token?.epoch == died
                let one = Record.LostAttempt(path: key.path, attempt: held)
                if isCharged { charged.append(one) } else { lost.append(one) }
            } else if which == .unrecorded, unit.mayHaveBeenGranted(before: now) {
                lost.append(Record.LostAttempt(path: key.path, attempt: Record.Attempt(number: unit.attempt)))
            }
        }
        let admission = self.admission
        if !lost.isEmpty { self.note(.attemptsLost(lost, .owner, retryAt: nil), in: &decision) }
        if !charged.isEmpty { self.note(.attemptsLost(charged, .workerGone, retryAt: nil), in: &decision) }
        if case .forward = self.phase, self.isLeaving {
            self.settle(at: now, in: &decision)
        } else {
            for one in lost + charged { self.offerAgain(one.path, at: now, in: &decision) }
            // A branch that is parked lets the next one in.
            self.offerAdmitted(since: admission, in: &decision)
        }
        return decision
    }

    /// Whether an attempt is recorded as held and nobody has offered it yet.
    public var awaitsHeld: Bool {
        if case .forward = self.phase, case .branches(let branches) = self.position.step {
            return branches.unoffered > 0
        }
        return self.units.contains { $0.unit.isUnoffered }
    }

    /// The instants at which the run must be looked at, for an owner that has just loaded it.
    public var wakes: [RunEffect] {
        var wakes: [RunEffect] = []
        func add(_ path: WorkPath, _ unit: WorkUnit) {
            if case .backingOff(let until) = unit.state { wakes.append(.wake(at: until, path)) }
            if let late = self.startBy(path, unit) { wakes.append(.wake(at: late, path)) }
            if let second = self.hedgeAt(path, unit) { wakes.append(.wake(at: second, path)) }
        }
        if case .forward = self.phase, let deadline = self.deadline { wakes.append(.wake(at: deadline, nil)) }
        if let settleBy = self.position.settleBy { wakes.append(.wake(at: settleBy, nil)) }
        if case .forward = self.phase, let due = self.position.due { wakes.append(.wake(at: due, nil)) }
        switch (self.phase, self.position.step) {
        case (.finished, _), (.forward, .exit), (.forward, .child): break
        case (.forward, .waiting(let due)): if let due { wakes.append(.wake(at: due, nil)) }
        case (.undoing(let undoing), _):
            if let top = self.saga.last { add(.undo(seq: top.seq), undoing.unit) }
        case (.forward, .single(let unit)): add(.step, unit)
        case (.forward, .expanding(let unit)): add(.expand, unit)
        case (.forward, .timer(let due)): wakes.append(.wake(at: due, nil))
        case (.forward, .branches(let branches)):
            if let due = branches.due { wakes.append(.wake(at: due, nil)) }
            if let settleBy = branches.settleBy { wakes.append(.wake(at: settleBy, nil)) }
            for (index, branch) in branches.all.enumerated() { add(.branch(index), branch.unit) }
        }
        return wakes
    }
}
