// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import DequeModule

extension Dispatch {
    /// Since when work waits for a capability that nobody connected has, and how much of it was told.
    struct Unserved: Sendable {
        var since: Instant
        var told: Set<WorkOffer> = []
    }

    /// The runs whose work has waited so long because no session has what it needs.
    ///
    /// Each piece of work counts once, until somebody has what it needs.
    ///
    /// - Parameters:
    ///   - patience: how long work waits before it is named.
    ///   - now: this process's monotonic time.
    /// - Returns: the runs, in order.
    public mutating func unserved(for patience: Span, at now: Instant) -> [RunID] {
        var runs: Set<RunID> = []
        let served = self.capabilities
        for capability in self.unserved.keys where served.contains(capability) { self.unserved[capability] = nil }
        for capability in self.waitingCapabilities {
            guard !served.contains(capability) else { continue }
            var state = self.unserved[capability] ?? Unserved(since: now)
            if state.since.advanced(by: patience) <= now {
                for offer in self.waitingOffers(of: capability) where state.told.insert(offer).inserted {
                    runs.insert(offer.key.run)
                }
            }
            self.unserved[capability] = state
        }
        return runs.sorted()
    }
}
