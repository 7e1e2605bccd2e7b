// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Calls and failures of the recent past, in ten slices of a window.
struct FailureWindow: Hashable, Sendable {
    private static let slices = 10

    private struct Slice: Hashable, Sendable {
        var number: Int64
        var calls = 0
        var failures = 0
    }

    /// Empty until the first call is noted; then one place for each slice, used again and again.
    private var ring: [Slice] = []

    /// Notes the end of a call.
    mutating func note(isFailure: Bool, at now: Instant, window: Span) {
        if self.ring.isEmpty { self.ring = Array(repeating: Slice(number: .min), count: Self.slices) }
        let number = Self.number(of: now, window)
        let place = Int(((number % Int64(Self.slices)) + Int64(Self.slices)) % Int64(Self.slices))
        if self.ring[place].number != number { self.ring[place] = Slice(number: number) }
        self.ring[place].calls += 1
        if isFailure { self.ring[place].failures += 1 }
    }

    /// What was noted within the window; slices of the future, before a clock went back, do not count.
    func counts(at now: Instant, window: Span) -> (calls: Int, failures: Int) {
        let newest = Self.number(of: now, window)
        var counts = (calls: 0, failures: 0)
        for slice in self.ring where slice.number <= newest && slice.number > newest - Int64(Self.slices) {
            counts.calls += slice.calls
            counts.failures += slice.failures
        }
        return counts
    }

    private static func number(of now: Instant, _ window: Span) -> Int64 {
        let length = max(1, min(window.milliseconds, .max / 1000) * 1000 / Int64(Self.slices))
        return now.microseconds / length
    }
}
