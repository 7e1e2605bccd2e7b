// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A bucket that fills with tokens at a steady rate, up to its capacity.
///
/// Exact: everything is a whole number of the smallest part of a token that can arrive, so no rounding adds up. A
/// clock that goes back costs the refill of that time and never gives more than the capacity.
public struct TokenBucket: Hashable, Sendable {
    /// How many tokens arrive in ``per``.
    public let count: Int
    /// The time in which they arrive, evenly.
    public let per: Span
    /// How many tokens it holds at most.
    public let capacity: Int
    /// What is in it, in units of which `unitsPerToken` make a token and `count` arrive in each microsecond.
    private var level: Int64
    private let unitsPerToken: Int64
    private let fullLevel: Int64
    private var at: Instant

    /// A full bucket.
    ///
    /// - Parameters:
    ///   - count: how many tokens arrive in `per`, 1 or more.
    ///   - per: the time in which they arrive, a millisecond or more.
    ///   - capacity: how many it holds at most, 1 or more (default: `count`).
    ///   - now: the time.
    /// - Throws: `invalidInput` for a rate or capacity that cannot be.
    public init(_ count: Int, per: Span, capacity: Int? = nil, at now: Instant) throws(CanoError) {
        let capacity = capacity ?? count
        guard count >= 1, per.milliseconds >= 1, capacity >= 1 else {
            throw CanoError(
                .invalidInput,
                "a bucket of \(capacity) with \(count) tokens in \(per.milliseconds) ms lets nothing through: "
                    + "use a capacity and a count of 1 or more, and a millisecond or more"
            )
        }
        let (units, longTime) = per.milliseconds.multipliedReportingOverflow(by: 1000)
        let (full, tooLarge) = units.multipliedReportingOverflow(by: Int64(capacity))
        guard !longTime, !tooLarge else {
            throw CanoError(
                .invalidInput,
                "a bucket of \(capacity) tokens that fills in \(per.milliseconds) ms is too large: "
                    + "use a smaller capacity or a shorter time"
            )
        }
        self.count = count
        self.per = per
        self.capacity = capacity
        self.unitsPerToken = units
        self.fullLevel = full
        self.level = full
        self.at = now
    }

    /// Takes tokens if all of them are there; a cost of 0 or less is always granted.
    public mutating func take(_ cost: Int = 1, at now: Instant) -> Bool {
        guard cost > 0 else { return true }
        guard cost <= self.capacity else { return false }
        self.level = self.level(at: now)
        self.at = now
        let price = Int64(cost) * self.unitsPerToken
        guard price <= self.level else { return false }
        self.level -= price
        return true
    }

    /// Puts tokens back that were taken and not used; never above the capacity.
    public mutating func refund(_ cost: Int) {
        guard cost > 0 else { return }
        let (units, overflow) = Int64(cost).multipliedReportingOverflow(by: self.unitsPerToken)
        self.level = overflow ? self.fullLevel : min(self.fullLevel, self.level + min(units, self.fullLevel))
    }

    /// Whole tokens that are there now.
    public func available(at now: Instant) -> Int {
        Int(self.level(at: now) / self.unitsPerToken)
    }

    /// When so many tokens are there, if nobody takes any; `nil` when they never fit.
    public func ready(for cost: Int, at now: Instant) -> Instant? {
        guard cost > 0 else { return now }
        guard cost <= self.capacity else { return nil }
        let missing = Int64(cost) * self.unitsPerToken - self.level(at: now)
        guard missing > 0 else { return now }
        let (wait, rest) = missing.quotientAndRemainder(dividingBy: Int64(self.count))
        let (time, overflow) = now.microseconds.addingReportingOverflow(wait + (rest > 0 ? 1 : 0))
        return Instant(microseconds: overflow ? .max : time)
    }

    private func level(at now: Instant) -> Int64 {
        let (elapsed, tooLong) = now.microseconds.subtractingReportingOverflow(self.at.microseconds)
        guard !tooLong else { return now > self.at ? self.fullLevel : self.level }
        guard elapsed > 0 else { return self.level }
        let (gained, tooMuch) = elapsed.multipliedReportingOverflow(by: Int64(self.count))
        guard !tooMuch, gained < self.fullLevel - self.level else { return self.fullLevel }
        return self.level + gained
    }
}
