// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
internal import HeapModule

/// The schedules of one scheduler, and who is woken when: pure, like the schedules themselves.
struct SchedulerCore {
    struct Member {
        var entry: Schedules.Entry
        var schedule: Schedule
        /// When it is to be woken; entries of the heap that say otherwise are stale.
        var wakeAt: Instant?
    }

    private struct Wake: Comparable {
        var at: Instant
        var name: String

        static func < (left: Wake, right: Wake) -> Bool { left.at < right.at }
    }

    /// What happens to a scheduler.
    enum Event: Sendable {
        /// Something happens to one schedule.
        case schedule(String, Schedule.Event)
        /// The time of ``nextWake()`` has come.
        case rung
        /// Schedules are added, with what the store remembers of them.
        case added([Schedules.Entry], states: [String: Schedule.State], request: UInt64)
        /// A schedule is taken away; a run of it goes on by itself.
        case removed(String)
        /// The scheduler is to stop.
        case stopped(Scheduler.StopPolicy)
        /// The last run that was watched has ended, or the time for it is up.
        case settled
    }

    /// What the shell does after a batch.
    enum Next: Sendable {
        case goOn
        /// Waits for the runs that are watched, so long at most.
        case settle(Span)
        case end
    }

    /// What a few events led to: what is kept first, and what is done then.
    struct Batch: Sendable {
        var changes: [ScheduleChange] = []
        /// The rows in them, with the workflows that the schedules start.
        var decided: [(workflow: String, row: TickRow)] = []
        var effects: [(name: String, effect: Schedule.Effect)] = []
        var replies: [(request: UInt64, refusal: CanoError?)] = []
        /// Wishes whose runs will never be, and why.
        var lost: [(tick: TickID, why: CanoError)] = []
        var next = Next.goOn

        /// Two stops at once: the one that is over first counts.
        fileprivate mutating func settle(_ span: Span) {
            switch self.next {
            case .goOn: self.next = .settle(span)
            case .settle(let other): self.next = .settle(min(other, span))
            case .end: break
            }
        }
    }

    private(set) var members: [String: Member] = [:]
    /// The names in the order in which they came.
    private(set) var names: [String] = []
    private var heap = Heap<Wake>()
    private(set) var isStopping = false

    /// When the next schedule is to be woken.
    mutating func nextWake() -> Instant? {
        guard !self.isStopping else { return nil }
        while let wake = self.heap.min {
            if self.members[wake.name]?.wakeAt == wake.at { return wake.at }
            self.heap.removeMin()
        }
        return nil
    }

    /// The only place where a scheduler changes.
    mutating func apply(_ event: Event, limits: Limits, at now: Instant, into batch: inout Batch) {
        switch event {
        case .schedule(let name, let event):
            self.apply(event, to: name, at: now, into: &batch)
        case .rung:
            self.tick(at: now, into: &batch)
        case .added(let entries, let states, let request):
            let refusal = self.refusal(of: entries, limits: limits, at: now)
            batch.replies.append((request, refusal))
            guard refusal == nil else { return }
            for entry in entries { self.add(entry, state: states[entry.name], limits: limits, at: now, into: &batch) }
        case .removed(let name):
            guard let member = self.members.removeValue(forKey: name) else { return }
            batch.lost += member.schedule.state.buffer.map { ($0.id, Schedules.unknown(name)) }
            self.names.removeAll { $0 == name }
            batch.changes.append(ScheduleChange(name: name, state: nil))
        case .stopped(let policy):
            self.isStopping = true
            for name in self.names { self.apply(.closing, to: name, at: now, into: &batch) }
            switch policy.kind {
            case .leave:
                batch.next = .end
                // What was decided and not begun is begun when the scheduler is opened again.
                batch.effects.removeAll { if case .start = $0.effect { true } else { false } }
            case .wait(let span):
                batch.settle(span)
            case .cancel(let span):
                batch.settle(span)
                for name in self.names { self.apply(.cancelled, to: name, at: now, into: &batch) }
            }
        case .settled:
            batch.next = .end
        }
    }

    private func refusal(of entries: [Schedules.Entry], limits: Limits, at now: Instant) -> CanoError? {
        if self.isStopping { return Scheduler.stopping }
        guard self.members.count + entries.count <= limits.schedules else {
            let most = "\(limits.schedules) (Limits.schedules)"
            return CanoError(.limitExceeded, "a scheduler has at most \(most) schedules: remove some")
        }
        for entry in entries {
            if self.members[entry.name] != nil { return Schedules.taken(entry.name) }
            do { try entry.settings.validate(name: entry.name, limits: limits, at: now) } catch { return error }
        }
        return nil
    }

    private mutating func add(
        _ entry: Schedules.Entry,
        state: Schedule.State?,
        limits: Limits,
        at now: Instant,
        into batch: inout Batch
    ) {
        let schedule = Schedule(name: entry.name, settings: entry.settings, state: state, limits: limits, at: now)
        self.members[entry.name] = Member(entry: entry, schedule: schedule, wakeAt: nil)
        self.names.append(entry.name)
        // A new schedule is remembered at once: what it misses from now on is missed.
        if state == nil { batch.changes.append(ScheduleChange(name: entry.name, state: schedule.state)) }
        self.apply(.opened, to: entry.name, at: now, into: &batch)
    }

    /// Wakes every schedule whose time has come.
    private mutating func tick(at now: Instant, into batch: inout Batch) {
        guard !self.isStopping else { return }
        var due: [String] = []
        while let wake = self.heap.min, wake.at <= now {
            self.heap.removeMin()
            guard self.members[wake.name]?.wakeAt == wake.at else { continue }
            self.members[wake.name]?.wakeAt = nil
            due.append(wake.name)
        }
        for name in due { self.apply(.clockTicked, to: name, at: now, into: &batch) }
    }

    private mutating func apply(_ event: Schedule.Event, to name: String, at now: Instant, into batch: inout Batch) {
        guard let before = self.members[name]?.schedule.state else {
            // It was removed while the wish was on its way.
            if case .triggered(let id, _, _) = event { batch.lost.append((id, Schedules.unknown(name))) }
            return
        }
        let effects = self.members[name]?.schedule.apply(event, at: now) ?? []
        var rows: [TickRow] = []
        for effect in effects {
            switch effect {
            case .record(let row): rows.append(row)
            case .wake(let instant): self.wake(name, at: instant)
            case .sleep: self.members[name]?.wakeAt = nil
            case .start, .watch, .cancel, .answer, .tripped: batch.effects.append((name, effect))
            }
        }
        guard let after = self.members[name]?.schedule.state, after != before || !rows.isEmpty else { return }
        batch.changes.append(ScheduleChange(name: name, state: after, rows: rows))
        if let workflow = self.workflow(of: name) { batch.decided += rows.map { (workflow, $0) } }
        guard after.buffer != before.buffer else { return }
        let waiting = Set((after.buffer + after.live.map(\.tick)).map(\.id))
        for tick in before.buffer where !waiting.contains(tick.id) {
            let why = CanoError(.scheduleRefused, "schedule '\(name)' starts a newer tick instead of this one")
            batch.lost.append((tick.id, why))
        }
    }

    /// The name of the workflow that a schedule starts; `nil` when there is no such schedule.
    func workflow(of name: String) -> String? { self.members[name]?.entry.workflow.name }

    private mutating func wake(_ name: String, at instant: Instant) {
        guard self.members[name]?.wakeAt != instant else { return }
        self.members[name]?.wakeAt = instant
        self.heap.insert(Wake(at: instant, name: name))
    }
}
