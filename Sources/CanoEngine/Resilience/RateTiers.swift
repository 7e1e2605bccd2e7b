// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Several rates that hold at once: something goes through when all of them let it, and then all of them count it.
///
/// A tier that refuses leaves the others untouched.
public struct RateTiers: Hashable, Sendable {
    /// What one tier counts with.
    public enum Meter: Hashable, Sendable {
        /// Tokens that come back evenly.
        case bucket(TokenBucket)
        /// A number in any window.
        case window(SlidingWindow)
    }

    /// One rate.
    public struct Tier: Hashable, Sendable {
        /// Its name, for whoever is refused.
        public var name: String
        /// What it counts with.
        public var meter: Meter
        /// By what the cost of a call is multiplied here (default: 1; 0 for a tier that counts nothing).
        public var weight: Int

        /// A tier from its parts.
        public init(_ name: String, _ meter: Meter, weight: Int = 1) {
            self.name = name
            self.meter = meter
            self.weight = weight
        }
    }

    /// The answer to somebody who wants to go through.
    public enum Answer: Hashable, Sendable {
        /// Go; every tier has counted it.
        case taken
        /// This tier is in the way, until this instant if nobody else comes; `nil`: for ever, the cost is too large.
        case refused(tier: Int, until: Instant?)
    }

    /// The tiers, in the order in which they are asked.
    public private(set) var tiers: [Tier]

    /// Tiers that let everything through that each of them lets through.
    public init(_ tiers: [Tier]) {
        self.tiers = tiers
    }

    /// Takes from every tier, or from none.
    public mutating func take(_ cost: Int = 1, at now: Instant) -> Answer {
        for index in self.tiers.indices where !self.tiers[index].take(cost, at: now) {
            for earlier in self.tiers[..<index].indices { self.tiers[earlier].refund(cost, takenAt: now) }
            return .refused(tier: index, until: self.tiers[index].ready(for: cost, at: now))
        }
        return .taken
    }

    /// Gives back what was taken at `time` and not used.
    public mutating func refund(_ cost: Int, takenAt time: Instant) {
        for index in self.tiers.indices { self.tiers[index].refund(cost, takenAt: time) }
    }

    /// When every tier lets something of this cost through, if nobody else comes; `nil` when one of them never does.
    public func ready(for cost: Int, at now: Instant) -> Instant? {
        var latest = now
        for tier in self.tiers {
            guard let ready = tier.ready(for: cost, at: now) else { return nil }
            latest = max(latest, ready)
        }
        return latest
    }
}

extension RateTiers.Tier {
    /// How much this tier counts for a call of this cost.
    private func price(_ cost: Int) -> Int {
        let (price, overflow) = max(0, cost).multipliedReportingOverflow(by: max(0, self.weight))
        return overflow ? .max : price
    }

    mutating func take(_ cost: Int, at now: Instant) -> Bool {
        let price = self.price(cost)
        switch self.meter {
        case .bucket(var bucket):
            let isTaken = bucket.take(price, at: now)
            self.meter = .bucket(bucket)
            return isTaken
        case .window(var window):
            // Gives up the other reference to what the window remembers, so that it changes in place.
            self.meter = .window(Self.placeholder)
            let isTaken = window.take(price, at: now)
            self.meter = .window(window)
            return isTaken
        }
    }

    mutating func refund(_ cost: Int, takenAt time: Instant) {
        let price = self.price(cost)
        switch self.meter {
        case .bucket(var bucket):
            bucket.refund(price)
            self.meter = .bucket(bucket)
        case .window(var window):
            self.meter = .window(Self.placeholder)
            window.refund(price, takenAt: time)
            self.meter = .window(window)
        }
    }

    /// When this tier alone would let something of this cost through; `nil` for never.
    public func ready(for cost: Int, at now: Instant) -> Instant? {
        switch self.meter {
        case .bucket(let bucket): bucket.ready(for: self.price(cost), at: now)
        case .window(let window): window.ready(for: self.price(cost), at: now)
        }
    }

    /// How much is left now.
    public func available(at now: Instant) -> Int {
        switch self.meter {
        case .bucket(let bucket): bucket.available(at: now)
        case .window(let window): max(0, window.limit - window.used(at: now))
        }
    }

    private static let placeholder = SlidingWindow.empty
}
