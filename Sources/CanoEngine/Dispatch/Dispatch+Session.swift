// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Dispatch {
    /// A worker's connection and what it can take.
    struct Session: Sendable {
        var worker: WorkerID
        var capabilities: [Capability]
        /// Leases that may still be sent.
        var credit = 0
        /// What it has leases of.
        var leases: [WorkKey: Int] = [:]
        /// How many of its slots are kept for what follows in runs that it reported on.
        var kept = 0
        /// Whether it does, or is reserved to do, one suspect piece of work and nothing else.
        var solitude = Solitude.none
        /// Whether its worker was told about work that waits for credit.
        var hasDemand = false
        /// Whether it had to give its credit back: no suspect work waits for it until it has some again.
        var isWithdrawn = false
        /// The capabilities for which it stands in line.
        var standsFor: Set<Capability> = []

        /// It has one lease of this work less.
        mutating func end(_ work: WorkKey) {
            guard let index = self.leases.index(forKey: work) else { return }
            if self.leases.values[index] > 1 {
                self.leases.values[index] -= 1
            } else {
                self.leases.remove(at: index)
            }
        }

        /// Keeps slots for what follows on these reports, of the credit that it has and of so much more; returns how
        /// many, or `nil` when the session is not like any other now.
        mutating func keep(_ reports: [AttemptReport], credit: Int) -> Int? {
            guard case .none = self.solitude else { return nil }
            for report in reports { self.end(report.lease.key) }
            let kept = min(reports.count, self.credit + credit)
            self.credit -= kept
            self.kept += kept
            return kept
        }

        /// One of the kept slots has work.
        mutating func follow(_ work: WorkKey) {
            self.kept -= 1
            self.leases[work, default: 0] += 1
        }

        /// Takes more credit; returns whether it stands in every line already, and waits for nothing else.
        mutating func take(credit: Int) -> Bool {
            self.credit += credit
            self.hasDemand = false
            self.isWithdrawn = false
            guard case .none = self.solitude else { return false }
            return self.standsEverywhere
        }

        /// Whether it does nothing, and nothing is on its way to it.
        var isIdle: Bool { self.leases.isEmpty && self.kept == 0 }

        /// Whether it stands in line for everything that it can do.
        var standsEverywhere: Bool { self.standsFor.count == self.capabilities.count }

        /// Whether it can be given a lease like any other.
        var isFree: Bool { self.credit > 0 && self.solitude == .none }
    }

    /// What a suspect piece of work means for a session.
    enum Solitude: Hashable, Sendable {
        /// Nothing.
        case none
        /// It takes nothing more until it is idle, then this offer.
        case reserved(WorkOffer)
        /// It does a suspect piece of work.
        case busy
    }
}
