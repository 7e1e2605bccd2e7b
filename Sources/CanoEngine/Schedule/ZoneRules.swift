// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What a time zone's clocks showed and will show: its offsets from UTC and when they change.
///
/// The rules are an input, read from a TZif file at the edge of the program, so that a schedule has the same answer on
/// every machine. Times before the first change have the first offset; times behind the last one follow the rule at the
/// file's end.
public struct ZoneRules: Hashable, Sendable {
    /// From this moment on the clocks show another offset.
    struct Change: Hashable, Sendable {
        /// Seconds since 1970-01-01 00:00 UTC.
        var at: Int64
        /// Seconds that local time is ahead of UTC from then on.
        var offset: Int64
    }

    /// The zone's name, such as `Europe/Berlin`.
    public let name: String
    /// What the rules are known by: another edition of the time zone database gives another one.
    ///
    /// It is stored with every decision.
    public let edition: String
    /// The offset before the first change.
    let firstOffset: Int64
    /// The changes that are listed, in order.
    let changes: [Change]
    /// The rule behind the last change; `nil` when the last offset stays.
    let rule: PosixZoneRule?

    init(name: String, edition: String, firstOffset: Int64, changes: [Change], rule: PosixZoneRule?) {
        self.name = name
        self.edition = edition
        self.firstOffset = firstOffset
        self.changes = changes
        self.rule = rule
    }

    /// Coordinated universal time.
    public static let utc = ZoneRules(name: "UTC", edition: "fixed", firstOffset: 0, changes: [], rule: nil)

    /// A zone whose clocks never change.
    ///
    /// - Parameters:
    ///   - name: what it is called.
    ///   - seconds: how far local time is ahead of UTC.
    public init(name: String, fixedOffset seconds: Int) {
        self.init(name: name, edition: "fixed", firstOffset: Int64(seconds), changes: [], rule: nil)
    }

    // MARK: Looking up

    /// A stretch of time with one offset.
    struct Segment: Hashable {
        /// Its first second, UTC.
        var start: Int64
        /// The first second behind it, UTC.
        var end: Int64
        /// Seconds that local time is ahead of UTC.
        var offset: Int64
    }

    /// The stretch that a second of UTC lies in.
    func segment(at second: Int64) -> Segment {
        // The last listed change that is not later.
        var low = 0
        var high = self.changes.count
        while low < high {
            let middle = (low + high) / 2
            if self.changes[middle].at <= second { low = middle + 1 } else { high = middle }
        }
        guard low == self.changes.count, let rule = self.rule else {
            return Segment(
                start: low == 0 ? .min : self.changes[low - 1].at,
                end: low == self.changes.count ? .max : self.changes[low].at,
                offset: low == 0 ? self.firstOffset : self.changes[low - 1].offset
            )
        }
        let listedEnd = self.changes.last?.at ?? .min
        var segment = rule.segment(at: second)
        segment.start = max(segment.start, listedEnd)
        return segment
    }

    /// Seconds that local time is ahead of UTC.
    func offset(at second: Int64) -> Int64 { self.segment(at: second).offset }

    /// Seconds that local time is ahead of UTC at an instant.
    public func offset(at instant: Instant) -> Int {
        Int(self.offset(at: floorDivide(instant.microseconds, 1_000_000).quotient))
    }
}
