// SPDX-License-Identifier: Apache-2.0 OR MIT

import CoreMetrics

/// What a rate limiter counts.
struct LimiterMeters: Sendable {
    private let limiter: String
    private let meters: Meters
    private let acquired: Counter
    private let tokens: Counter
    private let waits: Timer

    /// `nil` when nothing is measured.
    init?(_ limiter: String, _ telemetry: Telemetry) {
        guard let meters = Meters(telemetry) else { return nil }
        self.limiter = limiter
        self.meters = meters
        self.acquired = meters.counter(.limiterAcquired, limiter)
        self.tokens = meters.counter(.limiterTokens, limiter)
        self.waits = meters.timer(.limiterWait, limiter)
    }

    /// A call of this cost may begin.
    func acquired(_ cost: Int) {
        self.acquired.increment()
        if cost > 0 { self.tokens.increment(by: cost) }
    }

    /// A call begins to wait for this tier.
    func waits(for tier: String) { self.meters.count(.limiterThrottled, self.limiter, tier, "waited") }

    /// A call has waited so long.
    func waited(_ duration: Duration) { self.waits.record(duration) }

    /// A call may not begin because of this tier.
    func refused(by tier: String) { self.meters.count(.limiterThrottled, self.limiter, tier, "refused") }
}
