// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Lets others have the thread now and then, in a loop whose body may never suspend.
@usableFromInline
struct Breather {
    /// As a distance from a fixed moment: the size of an instant is known only at run time, that of a duration earlier.
    @usableFromInline var last = Self.now

    @usableFromInline
    init() {}

    @usableFromInline static let origin = ContinuousClock.now
    @inlinable static var now: Duration { Self.origin.duration(to: .now) }

    /// Whether the last time was a while ago.
    @inlinable var isTired: Bool { self.isOver(.milliseconds(1)) }

    /// Whether the last time was longer ago than that.
    @inlinable
    func isOver(_ time: Duration) -> Bool { Self.now - self.last > time }

    /// Gives the thread away for a moment.
    @usableFromInline
    mutating func rest() async {
        await Task.yield()
        self.rested()
    }

    /// Others have had the thread meanwhile.
    mutating func rested() { self.last = Self.now }
}
