// SPDX-License-Identifier: Apache-2.0 OR MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The few calls below libpq that a deadline needs.
enum Socket {
    /// Waits until the socket can be read (or written, where that is wanted); false when the deadline passed first.
    static func wait(
        _ socket: Int32,
        writing: Bool,
        until deadline: ContinuousClock.Instant
    ) -> Bool {
        while true {
            let left = deadline - ContinuousClock.now
            var entry = pollfd(fd: socket, events: Int16(POLLIN) | (writing ? Int16(POLLOUT) : 0), revents: 0)
            let ready = poll(&entry, 1, Int32(clamping: Self.milliseconds(left)))
            if ready > 0 { return true }
            if ready < 0 && errno != EINTR { return true }  // libpq will meet the same error and explain it
            if ContinuousClock.now >= deadline { return false }
        }
    }

    /// Whether something arrived, which includes the end.
    static func hasInput(_ socket: Int32) -> Bool {
        var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) != 0
    }

    /// Cuts both directions, so that nothing which still waits in a buffer can reach the other side.
    static func cut(_ socket: Int32) {
        _ = shutdown(socket, Int32(SHUT_RDWR))
    }

    /// Blocks the calling thread, which must not be one that runs Swift tasks.
    static func sleep(for pause: Duration) {
        _ = poll(nil, 0, Int32(clamping: Self.milliseconds(pause)))
    }

    /// Whole milliseconds, rounded up.
    private static func milliseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return max(0, seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
