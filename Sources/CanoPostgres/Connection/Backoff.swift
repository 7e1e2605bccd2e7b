// SPDX-License-Identifier: Apache-2.0 OR MIT

/// How long to wait before the next try to connect: doubling, from 20 ms up to one second.
struct Backoff: Hashable, Sendable {
    private var failures = 0

    /// The pause after one more failure.
    mutating func failed() -> Duration {
        let pause = Duration.milliseconds(min(1000, 20 << min(self.failures, 6)))
        self.failures += 1
        return pause
    }

    /// It worked: the next failure begins anew.
    mutating func succeeded() {
        self.failures = 0
    }
}
