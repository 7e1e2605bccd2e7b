// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// A handle on a run that a schedule was asked for.
public struct ScheduledRun<W: Workflow>: Sendable {
    /// Whether it waits for another run of the schedule to end.
    public let isBuffered: Bool
    private let wish: ScheduleWishes.Wish
    private let host: EngineHost

    init(wish: ScheduleWishes.Wish, isBuffered: Bool, host: EngineHost) {
        self.wish = wish
        self.isBuffered = isBuffered
        self.host = host
    }

    /// The tick that it belongs to.
    public var tick: TickID { self.wish.tick }

    /// The run, as soon as it exists.
    ///
    /// - Throws: why it could not be started; `scheduleRefused` when a newer tick took its place while it waited;
    ///   `unknownSchedule` when its schedule was removed first; `shuttingDown` when the scheduler stops first.
    public func run() async throws -> EmbeddedRun<W> {
        guard let result = await self.wish.run.value() else { throw CancellationError() }
        return EmbeddedRun(id: try result.get(), isNew: true, host: self.host)
    }

    /// Waits for the end of the run.
    ///
    /// - Returns: the exit state and the context at the end.
    /// - Throws: like ``run()`` and ``EmbeddedRun/outcome()``.
    public func outcome() async throws -> RunResult<W> {
        try await self.run().outcome()
    }
}
