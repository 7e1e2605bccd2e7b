// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Instants as distances from a fixed one, for values that are copied a lot.
///
/// How large an instant is turns out at run time only, and a look-up would be the price of each copy; the size of a
/// duration is known to the compiler.
@usableFromInline
enum Moment {
    @usableFromInline static let origin = ContinuousClock.now

    /// This moment.
    @inlinable static var now: Duration { Self.of(.now) }

    @inlinable
    static func of(_ instant: ContinuousClock.Instant) -> Duration { Self.origin.duration(to: instant) }

    @inlinable
    static func instant(_ moment: Duration) -> ContinuousClock.Instant { Self.origin.advanced(by: moment) }
}
