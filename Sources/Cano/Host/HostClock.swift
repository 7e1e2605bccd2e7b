// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// The store's time, kept between questions by this process's monotonic clock.
///
/// It never goes back, and a wall clock that is set does not move it.
package final class HostClock: Sendable {
    private struct Base {
        var store: Instant
        var local: ContinuousClock.Instant
        var last: Instant
    }

    private let time: any HostTime
    private let origin: ContinuousClock.Instant
    private let base: Guarded<Base>

    package init(storeTime: Instant, time: any HostTime = MachineTime()) {
        self.time = time
        self.origin = time.now
        self.base = Guarded(Base(store: storeTime, local: time.now, last: storeTime))
    }

    /// What the store's clock shows, as far as this process knows.
    package func now() -> Instant {
        let local = self.time.now
        return self.base.withLock { base in
            let now = base.store.advanced(by: base.local.duration(to: local))
            base.last = max(base.last, now)
            return base.last
        }
    }

    /// Compares with an answer of the store that took the time between `sentAt` and now.
    package func adjust(to storeTime: Instant, sentAt: ContinuousClock.Instant) {
        let local = self.time.now
        self.base.withLock { base in
            base.store = storeTime
            base.local = sentAt.advanced(by: sentAt.duration(to: local) / 2)
        }
    }

    /// This process's monotonic time.
    package func monotonic() -> Instant {
        Instant(microseconds: 0).advanced(by: self.origin.duration(to: self.time.now))
    }

    /// What the store's clock showed at a ``monotonic()`` time of the past.
    package func stored(_ monotonic: Instant) -> Instant {
        let ago = self.monotonic().milliseconds(since: monotonic)
        return Instant(microseconds: self.now().microseconds - max(0, ago) * 1000)
    }

    /// When the store's clock shows this instant, by this process's clock.
    package func local(_ instant: Instant) -> ContinuousClock.Instant {
        self.base.withLock { base in
            let (ahead, overflow) = instant.microseconds.subtractingReportingOverflow(base.store.microseconds)
            let farthest = instant < base.store ? Int64.min : .max
            return base.local.advanced(by: .microseconds(overflow ? farthest : ahead))
        }
    }
}

extension Instant {
    /// The instant a duration later, to the microsecond.
    func advanced(by duration: Duration) -> Instant {
        let (seconds, attoseconds) = duration.components
        let (scaled, tooLong) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (whole, tooMuch) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        let (sum, tooLate) = self.microseconds.addingReportingOverflow(whole)
        guard tooLong || tooMuch || tooLate else { return Instant(microseconds: sum) }
        return Instant(microseconds: seconds < 0 ? .min : .max)
    }
}
