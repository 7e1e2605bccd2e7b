// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Lets others have the thread now and then, in a loop whose body may never suspend.
@usableFromInline
struct Breather {
    /// A ``Moment``.
    @usableFromInline var last = Moment.now

    @usableFromInline
    init() {}

    /// Whether the last time was a while ago.
    @inlinable var isTired: Bool { self.isOver(.milliseconds(1)) }

    /// Whether the last time was longer ago than that.
    @inlinable
    func isOver(_ time: Duration) -> Bool { Moment.now - self.last > time }

    /// Gives the thread away for a moment.
    @usableFromInline
    mutating func rest() async {
        await Task.yield()
        self.rested()
    }

    /// Others have had the thread meanwhile.
    mutating func rested() { self.last = Moment.now }
}
