// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
internal import Logging

/// Drives schedules: takes events, lets ``SchedulerCore`` decide, keeps what was decided, then acts.
///
/// One loop does all that, so nothing overtakes anything: an effect is performed only after the state that implies it
/// is kept.
final class SchedulerShell: Sendable {
    let host: any ScheduleHost
    let store: any ScheduleStore
    let limits: Limits
    let core = Guarded(SchedulerCore())
    let logger: Logger
    private let meters: Meters?
    private let mailbox = Mailbox<SchedulerCore.Event>()
    private let alarm: ScheduleAlarm
    private let watched = Guarded<(count: Int, isSettling: Bool)>((0, false))
    private let wishes = ScheduleWishes()
    private let stopped = OneShot<Int>()
    /// Comes with the first stop.
    private let stopAsked = OneShot<Void>()
    /// When everything ends at the latest; `nil` before the first stop.
    let deadline = Guarded<Instant?>(nil)

    init(host: any ScheduleHost, store: any ScheduleStore, limits: Limits, logger: Logger, meters: Meters? = nil) {
        self.host = host
        self.store = store
        self.limits = limits
        self.logger = logger
        self.meters = meters
        self.alarm = ScheduleAlarm(host: host)
    }

    // MARK: The loop

    /// Runs until somebody stops the scheduler, or the task is cancelled.
    func run() async {
        let left = await withDiscardingTaskGroup(returning: Int.self) { group in
            group.addTask { await self.alarm.run { self.mailbox.post(.rung) } }
            loop: while let events = await self.mailbox.next() {
                let now = self.host.now()
                let batch = self.core.withLock { core in
                    var batch = SchedulerCore.Batch()
                    for event in events { core.apply(event, limits: self.limits, at: now, into: &batch) }
                    return batch
                }
                guard await self.keep(batch.changes) else { break }
                for (workflow, row) in batch.decided {
                    self.meters?.count(.ticks, workflow, row.outcome.rawValue, by: row.count)
                }
                for (request, refusal) in batch.replies { self.wishes.added(request, refusal) }
                for (name, effect) in batch.effects { self.perform(effect, of: name, in: &group) }
                for (tick, why) in batch.lost { self.wishes.failed(tick, why) }
                switch batch.next {
                case .goOn: self.alarm.set(self.core.withLock { $0.nextWake() })
                case .settle(let span): self.settle(within: span, in: &group)
                case .end: break loop
                }
            }
            self.mailbox.close()
            let left = self.watched.withLock { $0.count }
            group.cancelAll()
            return left
        }
        self.wishes.stop()
        self.stopped.fulfil(left)
    }

    /// Keeps what was decided, however long the store is away; false when the task is cancelled meanwhile, or a stop
    /// has waited for it as long as it may.
    private func keep(_ changes: [ScheduleChange]) async -> Bool {
        guard !changes.isEmpty else { return true }
        var pause = Span(milliseconds: 50)
        while !Task.isCancelled {
            do {
                try await self.store.save(changes)
                return true
            } catch {
                self.logger.warning("schedules not kept, trying again", metadata: ["error": "\(error)"])
            }
            let now = self.host.now()
            // What is not kept is not done: it is decided anew when the scheduler is opened again.
            if let deadline = self.deadline.withLock({ $0 }), now >= deadline { return false }
            await self.rest(until: now.advanced(by: pause))
            pause = min(Span(milliseconds: pause.milliseconds * 2), .seconds(5))
        }
        return false
    }

    /// Sleeps, but not beyond the end that a stop set, and not while the first stop comes.
    private func rest(until instant: Instant) async {
        if let deadline = self.deadline.withLock({ $0 }) {
            return await self.host.sleep(until: min(instant, deadline))
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.host.sleep(until: instant) }
            group.addTask { _ = await self.stopAsked.value() }
            await group.next()
            group.cancelAll()
        }
    }

    private func perform(_ effect: Schedule.Effect, of name: String, in group: inout DiscardingTaskGroup) {
        switch effect {
        case .start(let tick):
            guard let entry = self.core.withLock({ $0.members[name]?.entry }) else {
                return self.wishes.failed(tick.id, Schedules.unknown(name))
            }
            self.watched.withLock { $0.count += 1 }
            group.addTask {
                await self.start(tick, of: entry)
                self.unwatch()
            }
        case .watch(let id, let run):
            guard let workflow = self.core.withLock({ $0.workflow(of: name) }) else { return }
            self.watched.withLock { $0.count += 1 }
            group.addTask {
                await self.watch(run, of: workflow, for: id, of: name)
                self.unwatch()
            }
        case .cancel(_, let run):
            group.addTask { await self.cancel(run) }
        case .answer(let id, let answer):
            self.wishes.answered(id, answer)
        case .tripped(let streak, let message):
            if let workflow = self.core.withLock({ $0.workflow(of: name) }) {
                self.meters?.count(.scheduleTrips, workflow)
            }
            self.logger.error(
                "schedule stopped after failures",
                metadata: ["schedule": "\(name)", "failures": "\(streak)", "error": "\(message)"]
            )
        case .record, .wake, .sleep: break  // the core has taken these out
        }
    }

    /// Says when nothing is watched any more, or the time is up.
    private func settle(within span: Span, in group: inout DiscardingTaskGroup) {
        self.alarm.set(nil)
        let isIdle = self.watched.withLock { watched in
            watched.isSettling = true
            return watched.count == 0
        }
        if isIdle { self.mailbox.post(.settled) }
        let end = self.host.now().advanced(by: span)
        group.addTask {
            while !Task.isCancelled, self.host.now() < end { await self.host.sleep(until: end) }
            self.mailbox.post(.settled)
        }
    }

    // MARK: Runs

    private func start(_ tick: Tick, of entry: Schedules.Entry) async {
        do throws(CanoError) {
            let context = try entry.context(tick)
            let key = tick.id.key(of: entry.name)
            let started = try await self.patiently { () async throws(CanoError) in
                try await self.host.start(entry.workflow, key: key, context: context)
            }
            guard let run = started else { return }
            self.mailbox.post(.schedule(entry.name, .started(tick.id, run)))
            self.wishes.started(tick.id, run)
            await self.watch(run, of: entry.workflow.name, for: tick.id, of: entry.name)
        } catch {
            self.logger.error(
                "tick not started",
                metadata: ["schedule": "\(entry.name)", "code": "\(error.code.name)", "error": "\(error)"]
            )
            self.wishes.failed(tick.id, error)
            self.mailbox.post(.schedule(entry.name, .startFailed(tick.id, message: error.message)))
        }
    }

    private func watch(_ run: RunID, of workflow: String, for id: TickID, of name: String) async {
        self.meters?.change(.scheduledRuns, by: 1, workflow)
        defer { self.meters?.change(.scheduledRuns, by: -1, workflow) }
        do throws(CanoError) {
            let end = try await self.patiently { () async throws(CanoError) in try await self.host.end(of: run) }
            guard let known = end, let ended = known else { return }
            self.mailbox.post(.schedule(name, .ended(id, ended)))
        } catch {
            self.mailbox.post(.schedule(name, .ended(id, .failed(error.message))))
        }
    }

    private func cancel(_ run: RunID) async {
        do throws(CanoError) {
            _ = try await self.patiently { () async throws(CanoError) in try await self.host.cancel(run) }
        } catch {
            self.logger.warning("run not cancelled", metadata: ["run": "\(run)", "error": "\(error)"])
        }
    }

    private func unwatch() {
        let isSettled = self.watched.withLock { watched in
            watched.count -= 1
            return watched.count == 0 && watched.isSettling
        }
        if isSettled { self.mailbox.post(.settled) }
    }

    /// Tries again while the store or the engine is away; `nil` when the task is cancelled first.
    private func patiently<Value: Sendable>(
        _ body: () async throws(CanoError) -> Value
    ) async throws(CanoError) -> Value? {
        let passing: Set<CanoError.Code> = [.storeUnavailable, .storeBusy, .notOwner, .shuttingDown]
        var pause = Span(milliseconds: 50)
        while !Task.isCancelled {
            do throws(CanoError) { return try await body() } catch {
                guard passing.contains(error.code) else { throw error }
            }
            await self.host.sleep(until: self.host.now().advanced(by: pause))
            pause = min(Span(milliseconds: pause.milliseconds * 2), .seconds(5))
        }
        return nil
    }

    // MARK: Questions and wishes

    /// Adds schedules, with what the store remembers of them.
    func add(_ entries: [Schedules.Entry]) async throws(CanoError) {
        let states = try await self.store.schedules()
        let (request, reply) = self.wishes.add()
        let isOpen = self.mailbox.post(.added(entries, states: states, request: request))
        if !isOpen { self.wishes.added(request, Scheduler.stopping) }
        guard let answer = await reply.value() else { throw Scheduler.stopping }
        if let refusal = answer { throw refusal }
    }

    /// Hands a schedule an event.
    func send(_ event: Schedule.Event, to name: String) throws(CanoError) {
        try self.check(name)
        guard self.mailbox.post(.schedule(name, event)) else { throw Scheduler.stopping }
    }

    /// Asks a schedule for a run.
    func trigger(_ name: String, payload: Payload?, isForced: Bool) async throws(CanoError) -> ScheduleWishes.Wish {
        try self.check(name)
        let id = TickID.manual(self.host.number(), at: self.host.now())
        let wish = self.wishes.wish(id)
        let isOpen = self.mailbox.post(.schedule(name, .triggered(id, payload: payload, isForced: isForced)))
        if !isOpen { self.wishes.stop() }
        return wish
    }

    /// Takes a schedule away.
    func remove(_ name: String) throws(CanoError) {
        try self.check(name)
        guard self.mailbox.post(.removed(name)) else { throw Scheduler.stopping }
    }

    /// Ends the loop; returns how many runs are still going on.
    func stop(_ policy: Scheduler.StopPolicy) async -> Int {
        let end = self.host.now().advanced(by: policy.patience)
        self.deadline.withLock { deadline in deadline = deadline.map { min($0, end) } ?? end }
        self.stopAsked.fulfil(())
        self.mailbox.post(.stopped(policy))
        return await self.stopped.value() ?? 0
    }

    /// Returns when the loop has ended.
    func wait() async { _ = await self.stopped.value() }

    private func check(_ name: String) throws(CanoError) {
        let (isKnown, isStopping) = self.core.withLock { ($0.members[name] != nil, $0.isStopping) }
        if isStopping { throw Scheduler.stopping }
        guard isKnown else { throw Schedules.unknown(name) }
    }
}
