// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A piece of work that is ready for a worker.
public struct WorkOffer: Hashable, Sendable {
    /// The work.
    public var key: WorkKey
    /// The attempt that would be granted; an offer whose attempt is over is refused when somebody takes it up.
    public var attempt: Int
    /// What its worker must have.
    public var capability: Capability
    /// Whether its worker must do nothing else meanwhile: it lost its worker before, and only it is to be charged.
    public var isExclusive: Bool

    /// The worker that has the attempt already: another one is to have it as well, if one is free.
    public var avoided: WorkerID?

    /// An offer from its parts.
    public init(key: WorkKey, attempt: Int, capability: Capability, isExclusive: Bool = false) {
        self.key = key
        self.attempt = attempt
        self.capability = capability
        self.isExclusive = isExclusive
    }
}
