// SPDX-License-Identifier: Apache-2.0 OR MIT

public import Cano

/// A clock that only a test moves: a workflow that waits for a month takes milliseconds.
///
/// ```swift
/// let clock = VirtualClock()
/// var configuration = EmbeddedRunner.Configuration()
/// configuration.clock = clock
/// let store = MemoryStore(clock: clock.storeTime)
/// try await EmbeddedRunner.run(Reminder(), on: store, configuration: configuration) { runner in
///     let run = try await runner.start(Reminder.self, context: .init())
///     _ = try await run.outcome()      // thirty days later
/// }
/// ```
///
/// By itself it goes on to the next moment at which something is due, as soon as nothing is left to be done now and
/// somebody waits: for the end of a run, or with ``sleep(until:tolerance:)``. ``advance(by:)`` moves it by hand. Code
/// of a task that has to wait does so with `task.clock`; a task that waits for anything else holds the time still.
public final class VirtualClock: Clock {
    /// How the clock goes on.
    public enum Pace: Hashable, Sendable {
        /// By itself, when nothing is left to be done and somebody waits.
        case automatic
        /// Only when it is told to.
        case byHand
    }

    /// A moment of this clock.
    public typealias Instant = ContinuousClock.Instant
    /// A length of time.
    public typealias Duration = Swift.Duration

    private let origin = ContinuousClock.now
    private let epoch: Cano.Instant
    private let timeline: Guarded<Timeline>

    /// A clock that stands.
    ///
    /// - Parameters:
    ///   - epoch: what a store takes for the time at the beginning (default: 2030-01-01 00:00 UTC).
    ///   - pace: how it goes on (default: by itself).
    public init(
        epoch: Cano.Instant = Cano.Instant(microseconds: 1_893_456_000_000_000),
        pace: Pace = .automatic
    ) {
        self.epoch = epoch
        self.timeline = Guarded(Timeline(now: self.origin, isAutomatic: pace == .automatic))
    }

    /// This moment.
    public var now: ContinuousClock.Instant { self.timeline.withLock { $0.now } }

    /// The smallest step.
    public var minimumResolution: Swift.Duration { .microseconds(1) }

    /// How long the clock has gone since the beginning.
    public var elapsed: Swift.Duration { self.origin.duration(to: self.now) }

    /// The time of a store: `MemoryStore(clock: clock.storeTime)`.
    @Sendable public func storeTime() -> Cano.Instant {
        let (seconds, attoseconds) = self.elapsed.components
        return Cano.Instant(
            microseconds: self.epoch.microseconds + seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        )
    }

    /// Waits until a moment of this clock; for code of a test, outside of tasks.
    ///
    /// - Parameters:
    ///   - deadline: the moment.
    ///   - tolerance: means nothing here.
    /// - Throws: `CancellationError` when the task is cancelled.
    public func sleep(until deadline: ContinuousClock.Instant, tolerance: Swift.Duration? = nil) async throws {
        try await self.sleep(until: deadline, as: .outside)
    }

    /// Moves the clock by hand.
    ///
    /// Whatever becomes due on the way is done in order, each at its own time; it returns when nothing is left to be
    /// done at the last moment.
    ///
    /// - Parameter duration: how far.
    public func advance(by duration: Swift.Duration) async {
        let target = self.now.advanced(by: duration)
        while true {
            await self.settle()
            let (isThere, woken) = self.timeline.withLock { timeline in
                let next = timeline.nextDue(notAfter: target)
                return (next == nil, timeline.move(to: next ?? target))
            }
            for continuation in woken { continuation.resume() }
            if isThere { break }
        }
        await self.settle()
    }

    /// Returns when nothing is left to be done at this moment.
    private func settle() async {
        await withCheckedContinuation { continuation in
            let isIdle = self.timeline.withLock { timeline in
                if timeline.isIdle { return true }
                timeline.settlers.append(continuation)
                return false
            }
            if isIdle { continuation.resume() }
        }
    }

    // MARK: For hosts

    func change<Value: Sendable>(_ body: (inout Timeline) -> Value) -> Value {
        let (value, woken) = self.timeline.withLock { timeline in
            let value = body(&timeline)
            return (value, timeline.goOn())
        }
        for continuation in woken { continuation.resume() }
        return value
    }

    func sleep(
        until deadline: ContinuousClock.Instant,
        as sleeper: Timeline.Sleeper,
        releasing busy: Int = 0
    ) async throws {
        let id = self.timeline.withLock { $0.announce() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isCancelled = Task.isCancelled
                self.change { timeline in
                    timeline.lieDown(
                        id,
                        sleeper,
                        until: deadline,
                        releasing: busy,
                        isCancelled: isCancelled,
                        continuation
                    )
                }
            }
        } onCancel: {
            self.change { $0.cancel(id) }
        }
        if self.timeline.withLock({ $0.wasCancelled(id) }) { throw CancellationError() }
    }
}
