// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What becomes of ticks, and of the runs that they start.
extension Schedule {
    /// Starts a tick, or does what the policy says while a run goes on.
    mutating func admit(
        _ tick: Tick,
        isForced: Bool,
        at now: Instant,
        into effects: inout [Effect]
    ) -> TickOutcome {
        guard !isForced, !self.state.live.isEmpty || !self.state.buffer.isEmpty else {
            return self.start(tick, into: &effects)
        }
        switch self.settings.overlap {
        case .skip:
            return .overlapped
        case .bufferOne:
            guard self.state.buffer.isEmpty else { return .overlapped }
            self.state.buffer.append(tick)
            return .buffered
        case .bufferAll(let max):
            guard self.state.buffer.count < min(max, self.limits.scheduleRuns) else { return .tooMany }
            self.state.buffer.append(tick)
            return .buffered
        case .cancelPrevious:
            for index in self.state.live.indices { self.cancel(index, into: &effects) }
            let replaced = self.state.buffer
            self.state.buffer = [tick]
            for old in replaced { self.note(self.row(.replaced, about: old, at: now), into: &effects) }
            return .buffered
        case .terminatePrevious:
            for index in self.state.live.indices { self.cancel(index, into: &effects) }
            return self.start(tick, into: &effects)
        case .allow:
            return self.start(tick, into: &effects)
        }
    }

    private mutating func start(_ tick: Tick, into effects: inout [Effect]) -> TickOutcome {
        guard self.state.live.count < self.limits.scheduleRuns else { return .tooMany }
        self.state.live.append(State.Live(tick: tick))
        self.state.runs += 1
        if tick.id.kind == .scheduled { self.state.fires += 1 }
        effects.append(.start(tick))
        return tick.isCatchUp ? .caughtUp : .started
    }

    /// Starts the oldest tick that waits, when nothing holds it back.
    mutating func flushBuffer(at now: Instant, into effects: inout [Effect]) {
        guard !self.isHeld, self.state.live.isEmpty, let tick = self.state.buffer.first else { return }
        if let until = self.state.backoffUntil, now < until { return }
        self.state.buffer.removeFirst()
        _ = self.start(tick, into: &effects)
        self.note(self.row(.startedFromBuffer, about: tick, at: now), into: &effects)
        self.findNext()
    }

    mutating func cancel(_ index: Int, into effects: inout [Effect]) {
        guard !self.state.live[index].isCancelled else { return }
        self.state.live[index].isCancelled = true
        // A run that does not exist yet is cancelled as soon as it does.
        guard let run = self.state.live[index].run else { return }
        effects.append(.cancel(self.state.live[index].tick.id, run))
    }

    // MARK: Wishes

    mutating func trigger(
        _ id: TickID,
        _ payload: Payload?,
        isForced: Bool,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let isKnown = self.state.live.contains { $0.tick.id == id } || self.state.buffer.contains { $0.id == id }
        guard !isKnown else { return }
        let tick = Tick(id: id, dueAt: now, payload: payload)
        let outcome =
            self.state.trip == nil ? self.admit(tick, isForced: isForced, at: now, into: &effects) : .tripped
        self.note(self.row(outcome, about: tick, at: now), into: &effects)
        switch outcome {
        case .started, .caughtUp, .startedFromBuffer: effects.append(.answer(id, .started))
        case .buffered: effects.append(.answer(id, .buffered))
        case .overlapped, .tooMany, .backingOff, .superseded, .outsideWindow, .notCaughtUp, .paused, .tripped,
            .replaced, .startFailed:
            effects.append(.answer(id, .refused(outcome)))
        }
    }

    // MARK: Runs

    mutating func started(_ id: TickID, _ run: RunID, into effects: inout [Effect]) {
        guard let index = self.state.live.firstIndex(where: { $0.tick.id == id }) else { return }
        self.state.live[index].run = run
        if self.state.live[index].isCancelled { effects.append(.cancel(id, run)) }
    }

    mutating func startFailed(_ id: TickID, _ message: String, at now: Instant, into effects: inout [Effect]) {
        guard let live = self.state.live.first(where: { $0.tick.id == id }) else { return }
        self.note(self.row(.startFailed, about: live.tick, at: now), into: &effects)
        self.ended(id, .failed(message), at: now, into: &effects)
    }

    mutating func ended(_ id: TickID, _ end: RunEnd, at now: Instant, into effects: inout [Effect]) {
        guard let index = self.state.live.firstIndex(where: { $0.tick.id == id }) else { return }
        let live = self.state.live.remove(at: index)
        self.state.last = State.Last(tick: id, run: live.run, endedAt: now, end: end)
        switch end {
        case .succeeded:
            (self.state.streak, self.state.backoffUntil, self.state.lastFailure) = (0, nil, nil)
        case .cancelled(isClean: true):
            break
        case .cancelled(isClean: false):
            self.failed("the run was cancelled, and not everything could be undone", at: now, into: &effects)
        case .failed(let message):
            self.failed(message, at: now, into: &effects)
        }
        self.decideDue(at: now, into: &effects)
    }

    private mutating func failed(_ message: String, at now: Instant, into effects: inout [Effect]) {
        self.state.streak += 1
        self.state.lastFailure = message
        if let backoff = self.settings.backoff {
            let seed = self.draw(UInt64(bitPattern: now.microseconds) ^ UInt64(self.state.streak))
            self.state.backoffUntil = now.advanced(by: backoff.delay(streak: self.state.streak, seed: seed))
        }
        guard let limit = self.settings.tripsAfter, self.state.streak >= limit, self.state.trip == nil else { return }
        self.state.trip = State.Trip(streak: self.state.streak, message: message, since: now)
        effects.append(.tripped(streak: self.state.streak, message: message))
    }

    private func row(_ outcome: TickOutcome, about tick: Tick, at now: Instant) -> TickRow {
        self.row(outcome, kind: tick.id.kind, from: tick.id.nominal, through: tick.id.nominal, at: now)
    }
}
