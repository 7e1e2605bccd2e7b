// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// How a simulated world is set up.
package struct SimulationOptions: Sendable {
    /// A mistake that is built into the world around the engine, to show that the oracles find it.
    package enum PlantedBug: String, Hashable, Sendable, CaseIterable {
        /// Reports are taken for the current lease's, whatever token they carry.
        case tokenIgnored
        /// The store writes what an owner of an earlier epoch sends.
        case epochIgnored
        /// Effects are performed before their records are durable.
        case actBeforeCommit
        /// What was pushed for undo comes back from the store in the wrong order.
        case undoOrder
        /// A new owner believes that nobody holds leases, and records no loss.
        case lossUnrecorded
        /// The outcome of one branch is counted for another one too.
        case joinTwice
    }

    /// From which everything is drawn.
    package var seed: UInt64
    /// How many processes own shards.
    package var owners = 2
    /// How many workers there are.
    package var workers = 3
    /// How many leases a worker holds for each owner.
    package var slots = 3
    /// How many runs are started.
    package var runs = 24
    /// How long faults happen; afterwards everything heals.
    package var trouble = Span.seconds(30)
    /// How long the world may take after that until every run has ended.
    package var patience = Span.seconds(3600)
    /// How long leases of shards live.
    package var shardTTL = Span.seconds(3)
    /// How long leases of workers live.
    package var leaseTTL = Span.seconds(2)
    /// Whether faults happen at all.
    package var hasFaults = true
    /// Whether all workers live in the process of the only owner, and die with it.
    package var hasWorkersWithin = false {
        didSet { if self.hasWorkersWithin { self.owners = 1 } }
    }
    /// Whether definitions declare limits for their work.
    package var hasLimits = false
    /// A mistake to find.
    package var bug: PlantedBug?
    /// The bounds of the engine: small, so that every one of them is met.
    package var limits = Limits {
        $0.residentRuns = 6
        $0.timerHorizon = .seconds(5)
        $0.settleTime = .seconds(2)
        $0.listenTime = Span(milliseconds: 500)
        $0.holdTime = Span(milliseconds: 300)
        $0.pageRows = 4
    }

    /// The usual world under this seed.
    package init(seed: UInt64) {
        self.seed = seed
    }

    /// The same, adjusted.
    package init(seed: UInt64, _ adjust: (inout Self) -> Void) {
        self.init(seed: seed)
        adjust(&self)
    }
}
