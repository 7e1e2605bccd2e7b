// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine
public import Logging

/// Starts durable runs when schedules say so, inside this process.
///
/// ```swift
/// try await EmbeddedRunner.run(catalogue, on: store) { runner in
///     try await Scheduler.run(schedules, on: runner) { scheduler in
///         let run = try await scheduler.trigger("rebuild", start: Rebuild.self)
///         print(try await run.outcome().state)
///         await scheduler.wait()
///     }
/// }
/// ```
///
/// Every tick is decided exactly once, and its run has a key made of the schedule's name and the tick's time, so it is
/// never started twice. What was decided is kept in the runner's store where it can (`SQLiteStore`): after a restart
/// runs are watched again, missed ticks are caught up as the settings say, and pauses, trips and counts are still
/// there.
public struct Scheduler: Sendable {
    /// What becomes of runs that go on when a scheduler stops.
    public struct StopPolicy: Sendable {
        enum Kind: Sendable {
            case leave
            case wait(Span)
            case cancel(Span)
        }
        let kind: Kind

        /// How long a stop may take at most.
        var patience: Span {
            switch self.kind {
            case .leave: Span(milliseconds: 0)
            case .wait(let span), .cancel(let span): span
            }
        }

        /// They go on as long as the runner does, and when the store is opened again.
        public static let leave = Self(kind: .leave)

        /// They are awaited, so long at most; then they are left.
        public static func wait(_ duration: Duration) -> Self { Self(kind: .wait(Span(duration))) }

        /// They are cancelled and undone, and awaited, so long at most; then they are left.
        public static func cancel(within duration: Duration) -> Self { Self(kind: .cancel(Span(duration))) }
    }

    let shell: SchedulerShell
    let runner: EmbeddedRunner

    static let stopping = CanoError(.shuttingDown, "the scheduler is stopping: ask it when it runs again")

    /// Runs schedules until `body` returns, then stops and leaves the runs that go on.
    ///
    /// - Parameters:
    ///   - schedules: what ticks; more can be added later.
    ///   - runner: where the runs run.
    ///   - store: where schedules are remembered (default: the runner's store if it can, otherwise memory).
    ///   - limits: the bounds of schedules.
    ///   - logger: where trips and ticks that could not be started are logged.
    ///   - body: asks the scheduler for runs, or waits for its end.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws; `invalidSchedule` for settings that cannot be followed; `unknownWorkflow` when
    ///   the runner does not have a workflow; `storeUnavailable` and its kin.
    public static func run<Value: Sendable>(
        _ schedules: Schedules,
        on runner: EmbeddedRunner,
        store: (any ScheduleStore)? = nil,
        limits: Limits = Limits(),
        logger: Logger = Logger(label: "cano.scheduler"),
        _ body: @Sendable @escaping (Scheduler) async throws -> Value
    ) async throws -> Value {
        let shell = SchedulerShell(
            host: EngineScheduleHost(host: runner.host),
            store: store ?? runner.host.store as? any ScheduleStore ?? MemoryScheduleStore(),
            limits: limits,
            logger: logger,
            meters: runner.host.meters
        )
        return try await Self.run(schedules, Scheduler(shell: shell, runner: runner), body)
    }

    static func run<Value: Sendable>(
        _ schedules: Schedules,
        _ scheduler: Scheduler,
        _ body: @Sendable @escaping (Scheduler) async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                await scheduler.shell.run()
                return nil
            }
            group.addTask {
                try await scheduler.add(schedules)
                return try await body(scheduler)
            }
            defer { group.cancelAll() }
            while let ended = try await group.next() {
                guard let value = ended else { continue }
                _ = await scheduler.shell.stop(.leave)
                return value
            }
            throw CancellationError()
        }
    }

    // MARK: Schedules

    /// Adds schedules while others run; what the store remembers of them goes on.
    ///
    /// - Throws: `invalidSchedule`, `unknownWorkflow` or `limitExceeded`, and then none is added; `shuttingDown`.
    public func add(_ schedules: Schedules) async throws(CanoError) {
        for entry in schedules.entries {
            let (name, version) = (entry.workflow.name, entry.workflow.version)
            guard self.runner.host.plans.plan(name, version: version) == nil else { continue }
            let what = "schedule '\(entry.name)' starts \(entry.workflow), which the runner does not have"
            throw CanoError(.unknownWorkflow, what + ": add the workflow to its catalogue")
        }
        try await self.shell.add(schedules.entries)
    }

    /// Takes a schedule away; a run of it goes on.
    ///
    /// Its rows stay in the ledger.
    ///
    /// - Throws: `unknownSchedule`, `shuttingDown`.
    public func remove(_ name: String) async throws(CanoError) {
        try self.shell.remove(name)
    }

    /// Changes when a schedule ticks, or what becomes of its ticks.
    ///
    /// With another spec the next tick is the first one from now on; otherwise it stays what it was.
    ///
    /// - Throws: `unknownSchedule`, `invalidSchedule`, `shuttingDown`.
    public func update(_ name: String, _ settings: ScheduleSettings) async throws(CanoError) {
        try settings.validate(name: name, limits: self.shell.limits, at: self.shell.host.now())
        try self.shell.send(.edited(settings), to: name)
    }

    /// Holds the ticks of a schedule back; runs go on, and people may still trigger it.
    ///
    /// - Parameters:
    ///   - name: the schedule.
    ///   - author: who wants it.
    ///   - note: why.
    /// - Throws: `unknownSchedule`, `shuttingDown`.
    public func pause(_ name: String, by author: String = "library", note: String = "") async throws(CanoError) {
        try self.shell.send(.paused(by: author, note: note), to: name)
    }

    /// Lets the ticks of a paused schedule go on.
    ///
    /// - Parameters:
    ///   - name: the schedule.
    ///   - catchingUp: whether what was due during the pause is caught up as the settings say; otherwise it is passed
    ///     over, and one row of the ledger says so.
    /// - Throws: `unknownSchedule`, `shuttingDown`.
    public func resume(_ name: String, catchingUp: Bool = false) async throws(CanoError) {
        try self.shell.send(.resumed(catchingUp: catchingUp), to: name)
    }

    /// Forgets the failures of a schedule: one that stopped after them goes on.
    ///
    /// A run that goes on now and fails afterwards is its first failure.
    ///
    /// - Throws: `unknownSchedule`, `shuttingDown`.
    public func reset(_ name: String) async throws(CanoError) {
        try self.shell.send(.reset, to: name)
    }

    /// Cancels the runs of a schedule that go on; what they did is undone.
    ///
    /// Does nothing when there is none.
    ///
    /// - Throws: `unknownSchedule`, `shuttingDown`.
    public func cancelRuns(of name: String) async throws(CanoError) {
        try self.shell.send(.cancelled, to: name)
    }

    // MARK: Runs

    /// Starts a run of a schedule now, whatever its spec and its back-off say.
    ///
    /// - Parameters:
    ///   - name: the schedule.
    ///   - workflow: the workflow that it starts.
    ///   - context: the run's context; `nil` for the one that the schedule makes.
    ///   - force: starts it even when the overlap policy would not.
    /// - Returns: a handle on the run, which exists already, or waits for another one to end.
    /// - Throws: `scheduleRefused` when the schedule stopped after failures, or its policy skips the run;
    ///   `unknownSchedule`; `invalidInput` when it starts another workflow; `shuttingDown`.
    public func trigger<W: Workflow>(
        _ name: String,
        start workflow: W.Type,
        context: W.Context? = nil,
        force: Bool = false
    ) async throws -> ScheduledRun<W> {
        if let known = self.shell.core.withLock({ $0.members[name]?.entry.workflow }),
            known != DefinitionKey(name: W.name, version: W.version)
        {
            throw CanoError(.invalidInput, "schedule '\(name)' starts \(known), not \(W.name)@\(W.version)")
        }
        let payload = try context.map { try Payload(encoding: $0, what: "the context of \(W.name)") }
        let wish = try await self.shell.trigger(name, payload: payload, isForced: force)
        guard let answer = await wish.answer.value() else { throw CancellationError() }
        switch answer {
        case .started: return ScheduledRun(wish: wish, isBuffered: false, host: self.runner.host)
        case .buffered: return ScheduledRun(wish: wish, isBuffered: true, host: self.runner.host)
        case .refused(let outcome): throw Self.refusal(name, outcome)
        case nil: throw Self.stopping
        }
    }

    private static func refusal(_ name: String, _ outcome: TickOutcome) -> CanoError {
        let why =
            outcome == .tripped
            ? "it stopped after failures; reset it" : "its policy says '\(outcome.rawValue)'; wait, or force the run"
        return CanoError(.scheduleRefused, "schedule '\(name)' starts no run now: \(why)")
    }

    // MARK: Questions

    /// What a schedule is doing; `nil` when there is none of this name.
    public func status(_ name: String) -> ScheduleStatus? {
        let now = self.shell.host.now()
        return self.shell.core.withLock { $0.members[name]?.schedule }.map { ScheduleStatus($0, at: now) }
    }

    /// What all schedules are doing, in the order in which they were added.
    public func list() -> [ScheduleStatus] {
        let now = self.shell.host.now()
        let schedules = self.shell.core.withLock { core in core.names.compactMap { core.members[$0]?.schedule } }
        return schedules.map { ScheduleStatus($0, at: now) }
    }

    /// What was decided about the ticks of a schedule, the newest first.
    public func ticks(of name: String, limit: Int = 50) async throws(CanoError) -> [TickRow] {
        try await self.shell.store.ticks(of: name, limit: min(max(0, limit), self.shell.limits.pageRows))
    }

    // MARK: The end

    /// Stops: no tick is started any more.
    ///
    /// Once it is stopped it stays so; calling it again does nothing.
    ///
    /// - Parameter policy: what becomes of runs that go on.
    /// - Returns: how many runs still go on; they are in the store, and are watched again after the next start.
    @discardableResult
    public func stop(_ policy: StopPolicy = .wait(.seconds(30))) async -> Int {
        await self.shell.stop(policy)
    }

    /// Returns when the scheduler has stopped, or the task is cancelled.
    public func wait() async { await self.shell.wait() }
}
