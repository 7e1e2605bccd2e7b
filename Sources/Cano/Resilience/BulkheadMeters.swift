// SPDX-License-Identifier: Apache-2.0 OR MIT

import CoreMetrics

/// What a bulkhead counts.
struct BulkheadMeters: Sendable {
    private let permits: Meter
    private let refused: Counter
    private let waits: Timer

    /// `nil` when nothing is measured.
    init?(_ bulkhead: String, _ telemetry: Telemetry) {
        guard let meters = Meters(telemetry) else { return nil }
        self.permits = meters.gauge(.bulkheadPermits, bulkhead)
        self.refused = meters.counter(.bulkheadRefused, bulkhead)
        self.waits = meters.timer(.bulkheadWait, bulkhead)
    }

    /// A permit went out.
    func taken() { self.permits.change(by: 1) }

    /// A permit came back.
    func givenBack() { self.permits.change(by: -1) }

    /// A call found the line full, or did not want to stand in it.
    func wasRefused() { self.refused.increment() }

    /// A call has stood in line so long.
    func waited(_ duration: Duration) { self.waits.record(duration) }
}
