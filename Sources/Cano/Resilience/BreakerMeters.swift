// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import CanoEngine
import CoreMetrics

/// What a circuit breaker counts.
struct BreakerMeters: Sendable {
    private let breaker: String
    private let meters: Meters
    private let succeeded: Counter
    private let failed: Counter
    private let ignored: Counter
    private let refused: Counter

    /// `nil` when nothing is measured.
    init?(_ breaker: String, _ telemetry: Telemetry) {
        guard let meters = Meters(telemetry) else { return nil }
        self.breaker = breaker
        self.meters = meters
        self.succeeded = meters.counter(.breakerCalls, breaker, "succeeded")
        self.failed = meters.counter(.breakerCalls, breaker, "failed")
        self.ignored = meters.counter(.breakerCalls, breaker, "ignored")
        self.refused = meters.counter(.breakerCalls, breaker, "refused")
    }

    /// A call was let through and ended so.
    func ended(_ outcome: Breaker.Outcome) {
        switch outcome {
        case .succeeded: self.succeeded.increment()
        case .failed: self.failed.increment()
        case .cancelled: self.ignored.increment()
        }
    }

    /// A call was not let through.
    func wasRefused() { self.refused.increment() }

    /// The breaker does something else now.
    func changed(_ change: CircuitBreaker.Change) {
        self.meters.count(.breakerChanges, self.breaker, change.from.rawValue, change.to.rawValue)
    }
}
