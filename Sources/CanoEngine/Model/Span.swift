// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A length of time in whole milliseconds, as definitions store it.
///
/// `Duration` is what people write; a span is what is digested, stored and sent, because its encoding is one integer.
public struct Span: Hashable, Comparable, Sendable, Codable {
    /// The length in milliseconds; never negative.
    public let milliseconds: Int64

    /// A span of so many milliseconds; negative values become zero.
    public init(milliseconds: Int64) {
        self.milliseconds = max(0, milliseconds)
    }

    /// A span of so many seconds; negative values become zero.
    public static func seconds(_ seconds: Int64) -> Span {
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        return Span(milliseconds: overflow ? .max : scaled)
    }

    /// The span nearest to a duration, rounded down to the millisecond; negative durations become zero.
    public init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (scaled, tooLong) = seconds.multipliedReportingOverflow(by: 1000)
        let (sum, tooMuch) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        let farthest = seconds < 0 ? Int64.min : .max
        self.init(milliseconds: tooLong || tooMuch ? farthest : sum)
    }

    /// The same length as a standard library duration.
    public var duration: Duration { .milliseconds(self.milliseconds) }

    /// Whether the left one comes first.
    public static func < (left: Span, right: Span) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// Reads the coded form.
    public init(from decoder: any Decoder) throws {
        self.init(milliseconds: try decoder.singleValueContainer().decode(Int64.self))
    }

    /// Writes the coded form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.milliseconds)
    }
}
