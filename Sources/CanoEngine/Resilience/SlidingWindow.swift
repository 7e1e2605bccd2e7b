// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import DequeModule

/// What was let through in the recent past, so that never more than so much of it lies in any window of that length.
///
/// Exact as long as it remembers each grant by itself. Above 1,024 grants it puts those of a 1,024th of the window
/// together and counts them as if they all had come last: it may let something through that much late, never early.
public struct SlidingWindow: Hashable, Sendable {
    private static let exactEntries = 1024

    private struct Entry: Hashable, Sendable {
        /// When its first grant was made.
        var opened: Int64
        /// When its last one was made.
        var at: Int64
        var cost: Int
    }

    /// How much may lie in one window.
    public var limit: Int
    /// The length of the window.
    public private(set) var per: Span
    private var entries = Deque<Entry>()
    private var total = 0

    /// An empty window.
    ///
    /// - Parameters:
    ///   - limit: how much may lie in one window, 1 or more.
    ///   - per: the length of the window, a millisecond or more.
    /// - Throws: `invalidInput` for a window that lets nothing through.
    public init(_ limit: Int, per: Span) throws(CanoError) {
        guard limit >= 1, per.milliseconds >= 1 else {
            throw CanoError(
                .invalidInput,
                "a window of \(limit) in \(per.milliseconds) ms lets nothing through: "
                    + "use a count of 1 or more and a millisecond or more"
            )
        }
        self.limit = limit
        self.per = per
    }

    /// A window that holds nothing, to stand in for another one while that changes.
    static let empty = SlidingWindow()

    private init() {
        self.limit = 1
        self.per = Span(milliseconds: 1)
    }

    /// Counts something if it fits; a cost of 0 or less is always granted.
    public mutating func take(_ cost: Int = 1, at now: Instant) -> Bool {
        guard cost > 0 else { return true }
        self.forget(at: now)
        guard cost <= self.limit - self.total else { return false }
        self.add(cost, at: now)
        return true
    }

    /// Counts something whether it fits or not, for instance what an earlier owner let through.
    public mutating func note(_ cost: Int = 1, at now: Instant) {
        guard cost > 0 else { return }
        self.forget(at: now)
        self.add(cost, at: now)
    }

    private mutating func add(_ cost: Int, at now: Instant) {
        let slice = max(1, self.length / Int64(Self.exactEntries))
        let (sum, overflow) = self.total.addingReportingOverflow(cost)
        self.total = overflow ? .max : sum
        let time = max(now.microseconds, self.entries.last?.at ?? .min)
        if self.entries.count >= Self.exactEntries, let last = self.entries.last, time - last.opened < slice {
            self.entries[self.entries.count - 1].at = time
            self.entries[self.entries.count - 1].cost += cost
        } else {
            self.entries.append(Entry(opened: time, at: time, cost: cost))
        }
    }

    /// Takes back what was counted at `time` and not used; does nothing when that has left the window.
    public mutating func refund(_ cost: Int, takenAt time: Instant) {
        guard cost > 0,
            let index = self.entries.lastIndex(where: {
                $0.opened <= time.microseconds && time.microseconds <= $0.at && $0.cost > 0
            })
        else { return }
        let back = min(cost, self.entries[index].cost)
        self.entries[index].cost -= back
        self.total -= back
        if self.entries[index].cost == 0 { self.entries.remove(at: index) }
    }

    /// How much lies in the window that ends now.
    public func used(at now: Instant) -> Int {
        self.total - self.entries.prefix { self.isPast($0, now) }.reduce(0) { $0 + $1.cost }
    }

    /// When something of this cost fits, if nothing else comes; `nil` when it never does.
    public func ready(for cost: Int, at now: Instant) -> Instant? {
        guard cost > 0 else { return now }
        guard cost <= self.limit else { return nil }
        var excess = self.total - (self.limit - cost)
        for entry in self.entries {
            guard excess > 0 else { return now }
            excess -= entry.cost
            if excess <= 0 {
                let (time, overflow) = entry.at.addingReportingOverflow(self.length)
                return max(now, Instant(microseconds: overflow ? .max : time))
            }
        }
        return now
    }

    /// Changes the limit and the length; what was counted stays, as far as it is still remembered.
    public mutating func adjust(_ limit: Int, per: Span) {
        self.limit = max(1, limit)
        self.per = Span(milliseconds: max(1, per.milliseconds))
    }

    private var length: Int64 {
        let (length, overflow) = self.per.milliseconds.multipliedReportingOverflow(by: 1000)
        return overflow ? .max : length
    }

    private func isPast(_ entry: Entry, _ now: Instant) -> Bool {
        let (age, overflow) = now.microseconds.subtractingReportingOverflow(entry.at)
        return overflow ? now.microseconds > entry.at : age >= self.length
    }

    /// Drops what has left the window.
    private mutating func forget(at now: Instant) {
        if let last = self.entries.last, last.at > now.microseconds {
            // The clock went back: what seems to come is taken for just now, so that it leaves one window from here.
            for index in self.entries.indices {
                self.entries[index].opened = min(self.entries[index].opened, now.microseconds)
                self.entries[index].at = min(self.entries[index].at, now.microseconds)
            }
        }
        while let first = self.entries.first, self.isPast(first, now) {
            self.total -= first.cost
            self.entries.removeFirst()
        }
    }
}
