// SPDX-License-Identifier: Apache-2.0 OR MIT

/// One figure, printed as a line of JSON.
package struct Figure {
    package var name: String
    package var store: String
    package var metric: String
    package var value: Double
    package var detail: [(String, String)] = []

    package init(name: String, store: String, metric: String, value: Double, detail: [(String, String)] = []) {
        self.name = name
        self.store = store
        self.metric = metric
        self.value = value
        self.detail = detail
    }

    /// Prints the line.
    package func print() {
        var line = "{\"case\":\"\(self.name)\",\"store\":\"\(self.store)\",\"metric\":\"\(self.metric)\","
        line += "\"value\":\(Self.text(self.value))"
        for (key, value) in self.detail { line += ",\"\(key)\":\(value)" }
        Swift.print(line + "}")
    }

    /// A number with up to three digits behind the point.
    package static func text(_ value: Double) -> String {
        let rounded = (value * 1000).rounded() / 1000
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
    }
}

extension [Double] {
    /// The middle value.
    package var median: Double { self.percentile(50) }

    /// The value that so many percent of the others do not exceed.
    package func percentile(_ percent: Double) -> Double {
        guard !self.isEmpty else { return 0 }
        let sorted = self.sorted()
        return sorted[Swift.min(sorted.count - 1, Int(Double(sorted.count) * percent / 100))]
    }
}

/// Seconds that something took.
package func seconds(_ body: () async throws -> Void) async rethrows -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    try await body()
    let (whole, atto) = start.duration(to: clock.now).components
    return Double(whole) + Double(atto) / 1e18
}
