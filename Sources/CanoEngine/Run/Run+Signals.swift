// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Run {
    /// The run is told something from outside.
    ///
    /// A signal whose id is known changes nothing; that is no error.
    public mutating func signal(_ signal: RunSignal, at now: Instant) throws(Refusal) -> RunDecision {
        var decision = RunDecision()
        self.clock = now
        if let id = signal.id, self.signals.knows(id) { return decision }
        if let refusal = self.refusal(of: signal) { throw refusal }
        self.note(.signalled(signal), in: &decision)
        self.takeSignal(at: now, in: &decision)
        return decision
    }

    /// Goes on when the signal that the run waits for is there.
    mutating func takeSignal(at now: Instant, in decision: inout RunDecision) {
        guard case .forward = self.phase, !self.isLeaving, let wait = self.wait,
            let kept = self.signals.first(named: wait.signal)
        else { return }
        self.move(to: nil, context: nil, cause: nil, arrival: .signal(seq: kept.seq), at: now, in: &decision)
    }

    /// The wait that the run is in; `nil` when it is in none.
    var wait: WaitDefinition? {
        guard case .wait(let wait, _) = self.plan.states[self.position.state].step else { return nil }
        return wait
    }

    /// The time of a wait is up.
    mutating func endWait(at now: Instant, in decision: inout RunDecision) {
        guard let wait = self.wait else { return }
        if let next = wait.timeoutTo {
            return self.move(to: next, context: nil, cause: nil, at: now, in: &decision)
        }
        let name = self.plan.states[self.position.state].name
        let message = "nobody sent the signal '\(wait.signal)' to '\(name)' in time"
        self.end(.failed(Failure(code: "signalTimeout", message: message, isRetryable: false)), at: now, in: &decision)
    }

    private func refusal(of signal: RunSignal) -> Refusal? {
        guard case .forward = self.phase, !self.isEnding else {
            return Refusal(.wrongState, "run \(self.id) is over or ends; signals reach only runs that go on")
        }
        let known = self.plan.signals
        guard known.contains(signal.name) else {
            return Refusal(.invalidInput, Self.unknown(signal.name, of: self.plan.key, known))
        }
        if signal.payload.count > self.limits.payloadBytes {
            let size = "the payload has \(signal.payload.count) bytes, more than payloadBytes"
            return Refusal(.limitExceeded, "\(size) (\(self.limits.payloadBytes)); pass a reference")
        }
        if let id = signal.id, id.isEmpty || id.count > self.limits.nameCharacters {
            let message = "the id of a signal has 1 to \(self.limits.nameCharacters) characters, not \(id.count)"
            return Refusal(.invalidInput, message)
        }
        let isTakenAtOnce = self.wait?.signal == signal.name && !self.isLeaving
        if self.signals.kept.count >= self.limits.signals, !isTakenAtOnce {
            let message = "run \(self.id) keeps \(self.signals.kept.count) signals that no wait has taken (signals)"
            return Refusal(.limitExceeded, "\(message); send it again when some were taken")
        }
        return nil
    }

    private static func unknown(_ name: String, of key: DefinitionKey, _ known: [String]) -> String {
        guard !known.isEmpty else { return "\(key) waits for no signal at all" }
        if let near = nearest(to: name, among: known) {
            return "\(key) waits for no signal '\(name)'; did you mean '\(near)'?"
        }
        return "\(key) waits for no signal '\(name)'; it waits for \(known.joined(separator: ", "))"
    }
}
