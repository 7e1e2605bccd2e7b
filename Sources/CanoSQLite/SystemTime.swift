// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The clock of the machine, which an embedded store takes for the database's.
public enum SystemTime {
    /// The wall clock's time, to the microsecond.
    @Sendable public static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}
