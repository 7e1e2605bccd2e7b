// SPDX-License-Identifier: Apache-2.0 OR MIT

import CoreMetrics

/// The metrics of one process, each series made once, when it is first needed.
final class Meters: Sendable {
    fileprivate struct Series: Hashable {
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
            made.recorders.kept(series) { label, dimensions in
                Recorder(label: label, dimensions: dimensions, aggregate: true, factory: self.factory)
            }
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
            made.counters.kept(series) { Counter(label: $0, dimensions: $1, factory: self.factory) }
        }
    }

    private func gauge(_ series: Series) -> Meter {
        series.check(.gauge)
        return self.made.withLock { made in
            made.gauges.kept(series) { Meter(label: $0, dimensions: $1, factory: self.factory) }
        }
    }

    private func timer(_ series: Series) -> Timer {
        series.check(.timer)
        return self.made.withLock { made in
            made.timers.kept(series) { Timer(label: $0, dimensions: $1, factory: self.factory) }
        }
    }
}

extension Dictionary where Key == Meters.Series {
    /// The instrument of a series, made the first time with its label and dimensions.
    fileprivate mutating func kept(_ series: Key, _ make: (String, [(String, String)]) -> Value) -> Value {
        if let instrument = self[series] { return instrument }
        let instrument = make(series.name.rawValue, series.dimensions)
        self[series] = instrument
        return instrument
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
