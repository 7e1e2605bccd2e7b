// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Run {
    // MARK: Two leases of one attempt

    /// Whether a report brings what the work is for: then the other lease of the attempt is not needed any more.
    func isOutcome(_ result: AttemptReport.Result, of path: WorkPath) -> Bool {
        switch result {
        case .completed(let completion), .carried(let completion, _):
            self.objection(to: completion, of: path) == nil
        case .failed, .stopped, .released: false
        }
    }

    /// One of two leases ended without an outcome: the other one goes on.
    mutating func dropHedged(_ path: WorkPath, _ attempt: Record.Attempt, in decision: inout RunDecision) {
        let lost = Record.LostAttempt(path: path, attempt: attempt)
        self.note(.attemptsLost([lost], .hedged, retryAt: nil), in: &decision)
    }

    /// One of two leases brought the outcome: the other one ends.
    mutating func endOthers(than winner: LeaseRef, _ unit: WorkUnit, in decision: inout RunDecision) {
        for lease in unit.leases where lease.token != winner.token {
            let ref = LeaseRef(key: winner.key, attempt: unit.attempt, token: lease.token)
            self.note(.attemptsLost([Self.lost(ref, lease)], .hedged, retryAt: nil), in: &decision)
            decision.effects.append(.revoke(ref, lease.worker))
        }
    }
}
