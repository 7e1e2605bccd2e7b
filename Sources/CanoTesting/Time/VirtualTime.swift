// SPDX-License-Identifier: Apache-2.0 OR MIT

public import Cano

/// The time of one host under a virtual clock.
struct VirtualTime: HostTime {
    let source: VirtualClock
    private let host: Int

    init(_ source: VirtualClock) {
        self.source = source
        self.host = source.change { timeline in
            let id = timeline.newID()
            timeline.open(host: id)
            return id
        }
    }

    var now: ContinuousClock.Instant { self.source.now }
    var clock: any Clock<Duration> { self.source }

    func sleep(
        until deadline: ContinuousClock.Instant,
        for purpose: WaitPurpose,
        releasing busy: Int
    ) async throws {
        let sleeper = Timeline.Sleeper.host(self.host, isUpkeep: purpose == .upkeep)
        try await self.source.sleep(until: deadline, as: sleeper, releasing: busy)
    }

    func busy(_ change: Int) { self.source.change { $0.busy(self.host, change) } }
    func awaited(_ change: Int) { self.source.change { $0.awaited(self.host, change) } }
    func forHost() -> any HostTime { VirtualTime(self.source) }
    func closed() { self.source.change { $0.close(host: self.host) } }

    func forAttempt() -> any AttemptTime {
        AttemptClock(source: self.source, host: self.host, attempt: self.source.change { $0.newID() })
    }
}

/// A clock for the code of one attempt: while the code waits by it, the attempt holds nothing up.
private struct AttemptClock: AttemptTime, Clock {
    typealias Instant = ContinuousClock.Instant
    typealias Duration = Swift.Duration

    let source: VirtualClock
    let host: Int
    let attempt: Int

    var now: ContinuousClock.Instant { self.source.now }
    var minimumResolution: Duration { self.source.minimumResolution }
    var clock: any Clock<Duration> { self }

    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
        try await self.source.sleep(until: deadline, as: .attempt(self.attempt, host: self.host))
    }

    func bound(until deadline: ContinuousClock.Instant) async throws {
        try await self.source.sleep(until: deadline, as: .host(self.host, isUpkeep: false))
        self.source.change { $0.busy(self.host, -1) }
    }
}

extension EmbeddedRunner.Configuration {
    /// The clock that the runner lives by; `nil` for the machine's (the default).
    ///
    /// Its store must have the same time: `MemoryStore(clock: clock.storeTime)`. Leases of shards last for ever then,
    /// and runs that wait are looked for once in a few days of that time.
    public var clock: VirtualClock? {
        get { (self.time as? VirtualTime)?.source }
        set {
            self.time = newValue.map { VirtualTime($0) as any HostTime } ?? MachineTime()
            guard newValue != nil else { return }
            self.shardTTL = .seconds(10 * 365 * 86_400)
            self.limits.timerHorizon = .seconds(7 * 86_400)
        }
    }
}
