// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A point in time: microseconds since 1970-01-01 00:00 UTC.
///
/// The core never reads a clock. An instant always comes in as an argument and is the *database's* time, so that a
/// deadline written by one coordinator means the same to the next. The resolution is the one PostgreSQL stores.
public struct Instant: Hashable, Comparable, Sendable, Codable {
    /// Microseconds since 1970-01-01 00:00 UTC.
    public let microseconds: Int64

    /// An instant so many microseconds after 1970-01-01 00:00 UTC.
    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// The instant `span` later; it stops at the last representable instant instead of overflowing.
    public func advanced(by span: Span) -> Instant {
        let (scaled, tooLong) = span.milliseconds.multipliedReportingOverflow(by: 1000)
        let (sum, tooLate) = self.microseconds.addingReportingOverflow(scaled)
        return Instant(microseconds: tooLong || tooLate ? .max : sum)
    }

    /// The instant `span` earlier; it stops at the first representable instant instead of overflowing.
    public func preceded(by span: Span) -> Instant {
        let (scaled, tooLong) = span.milliseconds.multipliedReportingOverflow(by: 1000)
        let (difference, tooEarly) = self.microseconds.subtractingReportingOverflow(scaled)
        return Instant(microseconds: tooLong || tooEarly ? .min : difference)
    }

    /// Whole milliseconds from `earlier` to this instant; negative when `earlier` is later.
    ///
    /// What does not fit is the longest time there is.
    public func milliseconds(since earlier: Instant) -> Int64 {
        let (difference, overflow) = self.microseconds.subtractingReportingOverflow(earlier.microseconds)
        return (overflow ? (self < earlier ? .min : .max) : difference) / 1000
    }

    /// Whether the left one comes first.
    public static func < (left: Instant, right: Instant) -> Bool {
        left.microseconds < right.microseconds
    }

    /// Reads the coded form.
    public init(from decoder: any Decoder) throws {
        self.init(microseconds: try decoder.singleValueContainer().decode(Int64.self))
    }

    /// Writes the coded form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.microseconds)
    }
}
