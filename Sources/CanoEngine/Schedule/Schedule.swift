// SPDX-License-Identifier: Apache-2.0 OR MIT

/// One schedule: which ticks are decided, which of its runs go on, and whether it is held.
///
/// It is pure: events and times come in, effects come out. ``apply(_:at:)`` is the only place where it changes.
public struct Schedule: Hashable, Sendable {
    /// Ticks that are at most so late are started as if they were not.
    public static let grace = Span.seconds(60)
    /// So many ticks are decided at once; the rest follows at once in the next call.
    static let decidedAtOnce = 1000

    /// What happens to a schedule.
    public enum Event: Hashable, Sendable {
        /// The time that ``Effect/wake(at:)`` named has come, or any other.
        case clockTicked
        /// The process that keeps the schedule began: what was started goes on.
        case opened
        /// The process that keeps the schedule is about to end: nothing is started until it is opened again.
        case closing
        /// Somebody wants a run now.
        case triggered(TickID, payload: Payload?, isForced: Bool)
        /// Ticks are held back.
        case paused(by: String, note: String)
        /// Ticks go on; what was due meanwhile is passed over, or caught up.
        case resumed(catchingUp: Bool)
        /// Failures in a row are forgotten.
        case reset
        /// The runs that go on are cancelled; what waits goes on waiting.
        case cancelled
        /// A tick's run exists.
        case started(TickID, RunID)
        /// A tick's run cannot be started, for good.
        case startFailed(TickID, message: String)
        /// A tick's run ended.
        case ended(TickID, RunEnd)
        /// The settings are others now.
        case edited(ScheduleSettings)
    }

    /// How a tick's run ended.
    public enum RunEnd: Hashable, Sendable, Codable {
        /// Well.
        case succeeded
        /// With a failure, or after its time.
        case failed(String)
        /// It was cancelled; not clean when something could not be undone, which counts as a failure.
        case cancelled(isClean: Bool)
    }

    /// What is to be done, after the new state and the rows are durable.
    public enum Effect: Hashable, Sendable {
        /// A row of the ledger, to be kept together with the state.
        case record(TickRow)
        /// The tick's run is started under ``TickID/key(of:)`` and watched; starting it again does nothing.
        case start(Tick)
        /// The tick's run exists and is watched.
        case watch(TickID, RunID)
        /// The tick's run is asked to end.
        case cancel(TickID, RunID)
        /// The next ``Event/clockTicked``; it replaces the one before.
        case wake(at: Instant)
        /// There is nothing to wake for; it replaces the one before.
        case sleep
        /// What became of a ``Event/triggered(_:payload:isForced:)``.
        case answer(TickID, TriggerAnswer)
        /// The schedule stopped after so many failures in a row.
        case tripped(streak: Int, message: String)
    }

    /// What became of a wish for a run.
    public enum TriggerAnswer: Hashable, Sendable {
        /// It is started.
        case started
        /// It waits for a run to end.
        case buffered
        /// It is not started, for this reason.
        case refused(TickOutcome)
    }

    /// Its name, unique in a scheduler.
    public let name: String
    /// How it behaves.
    public internal(set) var settings: ScheduleSettings
    /// What it remembers.
    public internal(set) var state: State
    /// The next nominal time that is not decided; `nil` when there is none.
    public internal(set) var next: Instant?
    /// Whether the process that keeps it is about to end; that is not remembered.
    public private(set) var isClosing = false
    let limits: Limits

    /// A schedule that begins at `now`, or goes on from what it remembered.
    ///
    /// - Parameters:
    ///   - name: its name, unique in a scheduler; a different name has other jitter.
    ///   - settings: how it behaves; they are validated first.
    ///   - state: what it remembered; `nil` for a new one, whose first tick is not before `now`.
    ///   - limits: its bounds.
    ///   - now: the time.
    public init(
        name: String,
        settings: ScheduleSettings,
        state: State? = nil,
        limits: Limits = Limits(),
        at now: Instant
    ) {
        self.name = name
        self.settings = settings
        self.limits = limits
        self.state = state ?? State(decidedThrough: now.predecessor)
        self.next = nil
        self.findNext()
    }

    /// The only place where a schedule changes.
    ///
    /// Pure: the same schedule, event and time give the same result. State and rows are made durable before the other
    /// effects are performed.
    public mutating func apply(_ event: Event, at now: Instant) -> [Effect] {
        var effects: [Effect] = []
        switch event {
        case .clockTicked:
            self.decideDue(at: now, into: &effects)
        case .opened:
            self.isClosing = false
            self.takeUp(into: &effects)
            self.decideDue(at: now, into: &effects)
        case .closing:
            self.isClosing = true
        case .triggered where self.isClosing, .edited where self.isClosing:
            // Who wants a run is told that everything ends; settings come again with the next opening.
            break
        case .triggered(let id, let payload, let isForced):
            self.trigger(id, payload, isForced: isForced, at: now, into: &effects)
        case .paused(let by, let note):
            // What is due already is decided before: it is not the pause's.
            self.decideDue(at: now, into: &effects)
            self.state.pause = State.Pause(by: by, note: note, since: now)
        case .resumed(let catchingUp):
            guard self.state.pause != nil else { return [] }
            self.state.pause = nil
            self.release(catchingUp: catchingUp, as: .paused, at: now, into: &effects)
        case .reset:
            let wasTripped = self.state.trip != nil
            (self.state.streak, self.state.backoffUntil, self.state.trip) = (0, nil, nil)
            self.release(catchingUp: !wasTripped, as: .tripped, at: now, into: &effects)
        case .cancelled:
            for index in self.state.live.indices { self.cancel(index, into: &effects) }
        case .started(let id, let run):
            self.started(id, run, into: &effects)
        case .startFailed(let id, let message):
            self.startFailed(id, message, at: now, into: &effects)
        case .ended(let id, let end):
            self.ended(id, end, at: now, into: &effects)
        case .edited(let settings):
            self.decideDue(at: now, into: &effects)
            self.edit(settings, at: now)
        }
        self.flushBuffer(at: now, into: &effects)
        effects.append(self.wakeUp.map { .wake(at: $0) } ?? .sleep)
        return effects
    }

    /// Whether ticks are held back.
    public var isHeld: Bool { self.isClosing || self.state.pause != nil || self.state.trip != nil }

    /// When it is due next; `nil` when nothing is.
    public var wakeUp: Instant? {
        guard !self.isHeld else { return nil }
        let due = self.next.map { self.due($0) }
        guard !self.state.buffer.isEmpty, self.state.live.isEmpty, let pause = self.state.backoffUntil else {
            return due
        }
        return due.map { min($0, pause) } ?? pause
    }

    /// Goes on with the runs of the process before.
    private func takeUp(into effects: inout [Effect]) {
        for live in self.state.live {
            guard let run = live.run else {
                effects.append(.start(live.tick))
                continue
            }
            effects.append(.watch(live.tick.id, run))
            // Nobody knows whether the process before still asked it to end; asking twice does no harm.
            if live.isCancelled { effects.append(.cancel(live.tick.id, run)) }
        }
    }

    private mutating func edit(_ settings: ScheduleSettings, at now: Instant) {
        let isOtherSpec = settings.spec != self.settings.spec
        self.settings = settings
        self.state.revision += 1
        if isOtherSpec { self.state.decidedThrough = max(now, self.state.decidedThrough) }
        self.findNext()
    }

    mutating func findNext() {
        let waiting = self.state.buffer.count { $0.id.kind == .scheduled }
        let isOver = self.settings.maximumFires.map { self.state.fires + waiting >= $0 } ?? false
        self.next = isOver ? nil : self.settings.spec.next(after: self.state.decidedThrough)
    }

    func row(
        _ outcome: TickOutcome,
        kind: TickID.Kind = .scheduled,
        from first: Instant,
        through last: Instant,
        at now: Instant
    ) -> TickRow {
        TickRow(
            schedule: self.name,
            kind: kind,
            first: first,
            last: last,
            count: first == last ? 1 : self.settings.spec.count(from: first, through: last),
            outcome: outcome,
            at: now,
            revision: self.state.revision,
            editions: self.settings.spec.editions
        )
    }
}
