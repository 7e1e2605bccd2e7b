// SPDX-License-Identifier: Apache-2.0 OR MIT

import CoreMetrics

/// The metrics of one process, each series made once, when it is first needed.
final class Meters: Sendable {
    private struct Series: Hashable {
        var name: MetricName
        var values: [String]

        init(_ name: MetricName, _ values: [String]) {
            invariant(name.labels.count == values.count, "\(name.rawValue) has the labels \(name.labels)")
            self.name = name
            self.values = values
        }

        var dimensions: [(String, String)] { Array(zip(self.name.labels, self.values)) }

        func check(_ kind: MetricName.Kind) {
            invariant(self.name.kind == kind, "\(self.name.rawValue) is no \(kind)")
        }
    }

    private struct Made {
        var counters: [Series: Counter] = [:]
        var gauges: [Series: Meter] = [:]
        var timers: [Series: Timer] = [:]
        var recorders: [Series: Recorder] = [:]
    }

    private let factory: any MetricsFactory
    private let made = Guarded(Made())

    /// `nil` when nothing is measured.
    init?(_ telemetry: Telemetry) {
        guard let factory = telemetry.metrics else { return nil }
        self.factory = factory
    }

    // MARK: Once

    /// One more; the values are those of the metric's labels, in order.
    func count(_ name: MetricName, _ values: String..., by amount: Int = 1) {
        self.counter(Series(name, values)).increment(by: amount)
    }

    /// So many more, or fewer.
    func change(_ name: MetricName, by change: Double, _ values: String...) {
        self.gauge(Series(name, values)).change(by: change)
    }

    /// How long something took.
    func time(_ name: MetricName, _ milliseconds: Int64, _ values: String...) {
        self.timer(Series(name, values)).recordMilliseconds(max(0, milliseconds))
    }

    /// How much of something there was.
    func record(_ name: MetricName, _ value: Int, _ values: String...) {
        let series = Series(name, values)
        series.check(.recorder)
        let recorder = self.made.withLock { made in
            if let recorder = made.recorders[series] { return recorder }
            let recorder = Recorder(
                label: name.rawValue,
                dimensions: series.dimensions,
                aggregate: true,
                factory: self.factory
            )
            made.recorders[series] = recorder
            return recorder
        }
        recorder.record(value)
    }

    // MARK: For those who keep them

    /// A counter by the values of its labels.
    func counter(_ name: MetricName, _ values: String...) -> Counter { self.counter(Series(name, values)) }

    /// A gauge by the values of its labels.
    func gauge(_ name: MetricName, _ values: String...) -> Meter { self.gauge(Series(name, values)) }

    /// A timer by the values of its labels.
    func timer(_ name: MetricName, _ values: String...) -> Timer { self.timer(Series(name, values)) }

    private func counter(_ series: Series) -> Counter {
        series.check(.counter)
        return self.made.withLock { made in
            if let counter = made.counters[series] { return counter }
            let label = series.name.rawValue
            let counter = Counter(label: label, dimensions: series.dimensions, factory: self.factory)
            made.counters[series] = counter
            return counter
        }
    }

    private func gauge(_ series: Series) -> Meter {
        series.check(.gauge)
        return self.made.withLock { made in
            if let gauge = made.gauges[series] { return gauge }
            let gauge = Meter(label: series.name.rawValue, dimensions: series.dimensions, factory: self.factory)
            made.gauges[series] = gauge
            return gauge
        }
    }

    private func timer(_ series: Series) -> Timer {
        series.check(.timer)
        return self.made.withLock { made in
            if let timer = made.timers[series] { return timer }
            let timer = Timer(label: series.name.rawValue, dimensions: series.dimensions, factory: self.factory)
            made.timers[series] = timer
            return timer
        }
    }
}

extension Timer {
    /// How long something took.
    func record(_ duration: Duration) { self.recordNanoseconds(max(0, Int64(duration / .nanoseconds(1)))) }
}

extension Meter {
    /// So many more, or fewer.
    func change(by change: Double) {
        if change > 0 { self.increment(by: change) } else { self.decrement(by: -change) }
    }
}
