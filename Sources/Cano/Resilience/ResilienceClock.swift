// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The time by which breakers, limiters and retries go: the system's monotonic clock, or one that a test moves.
///
/// ```swift
/// let breaker = try CircuitBreaker("payments", clock: ResilienceClock(testClock))
/// ```
public struct ResilienceClock: Sendable {
    private struct Source: Sendable {
        var now: @Sendable () -> Instant
        var sleep: @Sendable (Duration) async throws -> Void
    }

    /// `nil` stands for the system's clock, so that reading it costs no call through a closure.
    private let source: Source?

    /// The system's monotonic clock; setting the wall clock does not move it.
    public static let system = ResilienceClock(source: nil)

    private init(source: Source?) {
        self.source = source
    }

    /// Any clock of Swift, such as the one of a test.
    ///
    /// - Parameter clock: what tells the time and lets tasks sleep.
    public init<C: Clock>(_ clock: C) where C.Duration == Duration {
        let origin = clock.now
        self.source = Source(
            now: { Instant(microseconds: 0).advanced(by: origin.duration(to: clock.now)) },
            sleep: { try await clock.sleep(until: clock.now.advanced(by: $0), tolerance: nil) }
        )
    }

    /// The time in microseconds since a moment that means nothing.
    func now() -> Instant {
        if let source = self.source { return source.now() }
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    /// Sleeps until this time has come; throws `CancellationError` when the task is cancelled first.
    func sleep(until instant: Instant) async throws {
        // A time further away than a century is for ever; clocks do not count that far.
        let longest = Int64(100 * 365 * 86_400) * 1_000_000
        let wait = Duration.microseconds(min(longest, max(0, instant.microseconds - self.now().microseconds)))
        guard let source = self.source else { return try await Task.sleep(for: wait, tolerance: .zero) }
        try await source.sleep(wait)
    }
}
