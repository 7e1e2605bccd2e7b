// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Makes the ids of runs that no store knows.
@usableFromInline
final class RunIDSource: Sendable {
    private let numbers: Guarded<SplitMix64>

    init() {
        var system = SystemRandomNumberGenerator()
        self.numbers = Guarded(SplitMix64(seed: system.next()))
    }

    @usableFromInline
    func next() -> RunID {
        let random = self.numbers.withLock { ($0.next(), $0.next()) }
        var time = timespec()
        // The id keeps milliseconds: the clock that is read for a few nanoseconds is good enough.
        clock_gettime(Self.clock, &time)
        let now = Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
        let shard = ShardID(rawValue: UInt8(truncatingIfNeeded: random.0 >> 56) % UInt8(ShardID.count))
        return RunID(at: now, shard: shard, random: random)
    }

    #if canImport(Darwin)
        private static let clock = CLOCK_REALTIME
    #else
        private static let clock = CLOCK_REALTIME_COARSE
    #endif
}
