// SPDX-License-Identifier: Apache-2.0 OR MIT

import CoreMetrics

/// The metrics of one process, each series made once, when it is first needed.
final class Meters: Sendable {
    private struct Series: Hashable {
        var name: MetricName
        var values: [String]
    }

    private struct Made {
        var counters: [Series: Counter] = [:]
        var gauges: [Series: Meter] = [:]
        var timers: [Series: Timer] = [:]
        var recorders: [Series: Recorder] = [:]
    }

    private let factory: any MetricsFactory
    private let made = Guarded(Made())

    init(factory: any MetricsFactory) {
        self.factory = factory
    }

    /// One more; the values are those of the metric's labels, in order.
    func count(_ name: MetricName, _ values: String...) {
        let series = self.series(name, values, .counter)
        let counter = self.made.withLock { made in
            if let counter = made.counters[series] { return counter }
            let counter = Counter(label: name.rawValue, dimensions: Self.dimensions(series), factory: self.factory)
            made.counters[series] = counter
            return counter
        }
        counter.increment()
    }

    /// So many more, or fewer.
    func change(_ name: MetricName, by change: Double, _ values: String...) {
        let series = self.series(name, values, .gauge)
        let gauge = self.made.withLock { made in
            if let gauge = made.gauges[series] { return gauge }
            let gauge = Meter(label: name.rawValue, dimensions: Self.dimensions(series), factory: self.factory)
            made.gauges[series] = gauge
            return gauge
        }
        if change > 0 { gauge.increment(by: change) } else { gauge.decrement(by: -change) }
    }

    /// How long something took.
    func time(_ name: MetricName, _ milliseconds: Int64, _ values: String...) {
        let series = self.series(name, values, .timer)
        let timer = self.made.withLock { made in
            if let timer = made.timers[series] { return timer }
            let timer = Timer(label: name.rawValue, dimensions: Self.dimensions(series), factory: self.factory)
            made.timers[series] = timer
            return timer
        }
        timer.recordMilliseconds(max(0, milliseconds))
    }

    /// How much of something there was.
    func record(_ name: MetricName, _ value: Int, _ values: String...) {
        let series = self.series(name, values, .recorder)
        let recorder = self.made.withLock { made in
            if let recorder = made.recorders[series] { return recorder }
            let recorder = Recorder(
                label: name.rawValue,
                dimensions: Self.dimensions(series),
                aggregate: true,
                factory: self.factory
            )
            made.recorders[series] = recorder
            return recorder
        }
        recorder.record(value)
    }

    private func series(_ name: MetricName, _ values: [String], _ kind: MetricName.Kind) -> Series {
        invariant(name.kind == kind, "\(name.rawValue) is no \(kind)")
        invariant(name.labels.count == values.count, "\(name.rawValue) has the labels \(name.labels)")
        return Series(name: name, values: values)
    }

    private static func dimensions(_ series: Series) -> [(String, String)] {
        Array(zip(series.name.labels, series.values))
    }
}
