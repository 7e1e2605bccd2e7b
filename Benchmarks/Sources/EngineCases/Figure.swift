// SPDX-License-Identifier: Apache-2.0 OR MIT

/// One figure, printed as a line of JSON.
struct Figure {
    var name: String
    var store: String
    var metric: String
    var value: Double
    var detail: [(String, String)] = []

    /// Prints the line.
    func print() {
        var line = "{\"case\":\"\(self.name)\",\"store\":\"\(self.store)\",\"metric\":\"\(self.metric)\","
        line += "\"value\":\(Self.text(self.value))"
        for (key, value) in self.detail { line += ",\"\(key)\":\(value)" }
        Swift.print(line + "}")
    }

    /// A number with up to three digits behind the point.
    static func text(_ value: Double) -> String {
        let rounded = (value * 1000).rounded() / 1000
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
    }
}

extension [Double] {
    /// The middle value.
    var median: Double { self.percentile(50) }

    /// The value that so many percent of the others do not exceed.
    func percentile(_ percent: Double) -> Double {
        guard !self.isEmpty else { return 0 }
        let sorted = self.sorted()
        return sorted[Swift.min(sorted.count - 1, Int(Double(sorted.count) * percent / 100))]
    }
}

/// Seconds that something took.
func seconds(_ body: () async throws -> Void) async rethrows -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    try await body()
    let (whole, atto) = start.duration(to: clock.now).components
    return Double(whole) + Double(atto) / 1e18
}
