// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import MetricsTestKit

extension TestMetrics {
    /// How much a counter has counted; the values are those of the metric's labels, in order.
    func count(_ name: MetricName, _ values: String...) throws -> Int64 {
        try self.expectCounter(name.rawValue, Array(zip(name.labels, values))).values.reduce(0, +)
    }

    /// How often something was timed.
    func times(_ name: MetricName, _ values: String...) throws -> [Int64] {
        try self.expectTimer(name.rawValue, Array(zip(name.labels, values))).values
    }

    /// Every value that a gauge has had.
    func levels(_ name: MetricName, _ values: String...) throws -> [Double] {
        try self.expectMeter(name.rawValue, Array(zip(name.labels, values))).values
    }
}
