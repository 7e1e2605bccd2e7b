// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The monotonic time that a host of the engine lives by, and how it waits.
///
/// A host says what it is busy with: a time that only tests have goes on by itself when everything else has stopped.
/// What is posted to a loop counts as one from the moment it is posted until the loop has dealt with it.
package protocol HostTime: AttemptTime {
    /// Waits until a moment.
    ///
    /// The caller leaves what it is busy with, and is busy with one thing when the moment has come. When it throws,
    /// because the task was cancelled, it is busy with nothing.
    func sleep(until deadline: ContinuousClock.Instant, for purpose: WaitPurpose, releasing busy: Int) async throws
    /// The host is busy with so much more, or less.
    func busy(_ change: Int)
    /// So many more, or fewer, wait for the end of a run.
    func awaited(_ change: Int)
    /// The time of one attempt, which is busy unless it waits by that time.
    func forAttempt() -> any AttemptTime
    /// The time of one host.
    func forHost() -> any HostTime
    /// The host has closed: it is busy with nothing any more.
    func closed()
}

/// The time that the code of an attempt sees.
package protocol AttemptTime: Sendable {
    /// This moment.
    var now: ContinuousClock.Instant { get }
    /// The clock that the code waits by.
    var clock: any Clock<Duration> { get }
    /// Returns at a moment, for what bounds the code from beside: the attempt stays as busy as it is meanwhile.
    func bound(until deadline: ContinuousClock.Instant) async throws
}

extension HostTime {
    package func bound(until deadline: ContinuousClock.Instant) async throws {
        try await self.sleep(until: deadline, for: .work, releasing: 0)
        self.busy(-1)
    }
}

/// Why a host waits.
package enum WaitPurpose: Hashable, Sendable {
    /// For something that a run needs then.
    case work
    /// To look after something that has to be looked after now and then.
    case upkeep
}

/// The machine's own time.
package struct MachineTime: HostTime {
    package init() {}

    package var now: ContinuousClock.Instant { .now }
    package var clock: any Clock<Duration> { ContinuousClock() }

    package func sleep(
        until deadline: ContinuousClock.Instant,
        for purpose: WaitPurpose,
        releasing busy: Int
    ) async throws {
        try await Task.sleep(until: deadline, tolerance: purpose == .work ? .zero : nil)
    }

    package func busy(_ change: Int) {}
    package func awaited(_ change: Int) {}
    package func forAttempt() -> any AttemptTime { self }
    package func forHost() -> any HostTime { self }
    package func closed() {}
}
