// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Run {
    /// Takes over what the worker did in the states behind the one that it reports, one after the other.
    ///
    /// What does not fit (another state follows, the run is to end, the outcome cannot be accepted) is passed over
    /// together with all behind it: those states run under leases of their own.
    mutating func carry(
        _ following: [LocalCompletion],
        _ attempt: Record.Attempt,
        at now: Instant,
        in decision: inout RunDecision
    ) {
        for one in following {
            guard case .forward = self.phase, self.position.ending == nil, self.isLocal,
                self.plan.states[self.position.state].name == one.state,
                case .single(let unit) = self.position.step, unit == WorkUnit(),
                self.objection(to: one.completion, of: .step) == nil
            else { return }
            // It was made ready a moment ago, and is done.
            decision.effects.removeAll { effect in
                if case .ready(let offer) = effect { offer.key.visit == self.position.visit } else { false }
            }
            var local = attempt
            local.number = 1
            local.startedAt = now
            self.complete(.step, local, one.completion, at: now, in: &decision)
        }
    }

    /// Whether a worker may do the state where the run is without having asked: routers, and tasks that say so.
    private var isLocal: Bool {
        switch self.plan.states[self.position.state].step {
        case .task(let task, _): task.isLocal
        case .router: true
        case .split, .timer, .exit: false
        }
    }
}
