// SPDX-License-Identifier: Apache-2.0 OR MIT

/// One execution of a workflow.
///
/// Everything durable about it changes in ``apply(record:)`` and nowhere else: deciding means choosing records, and
/// resuming means applying them again. Leases are the owner's own knowledge and are lost with it.
public struct Run: Hashable, Sendable {
    /// Which way the run goes.
    public enum Phase: Hashable, Sendable {
        /// From state to state. Next: undoing, finished.
        case forward
        /// Back: what was pushed is undone, the newest first. Next: finished.
        case undoing(Undoing)
        /// It is over.
        case finished(RunOutcome)
    }

    /// Its id.
    public let id: RunID
    /// Its definition.
    public internal(set) var plan: Plan
    /// From which jitter is drawn.
    public let seed: UInt64
    /// When it was started.
    public let startedAt: Instant
    /// When its total time is up.
    public let deadline: Instant?
    /// The bounds that its decisions obey.
    public let limits: Limits
    /// When the event came that is being decided about, or the record was made that is being applied.
    var clock: Instant
    /// The sequence number of the next record.
    public internal(set) var nextSeq = 1
    /// Which way it goes.
    public internal(set) var phase = Phase.forward
    /// Where it is, or where it turned back.
    public internal(set) var position: Position
    /// The trace that it belongs to.
    public internal(set) var trace: TraceContext?
    /// What is undone should it fail, in the order in which it was pushed.
    public internal(set) var saga: [SagaEntry] = []
    /// The signals that it was sent.
    public internal(set) var signals = SignalBox()
    /// The run that started it; `nil` when a person or a program did.
    public let parent: ParentLink?

    init(id: RunID, plan: Plan, seed: UInt64, startedAt: Instant, limits: Limits, parent: ParentLink?) {
        self.id = id
        self.parent = parent
        self.plan = plan
        self.seed = seed
        self.startedAt = startedAt
        self.clock = startedAt
        self.deadline = plan.definition.timeout.map { startedAt.advanced(by: $0) }
        self.limits = limits
        // A run always begins with `started`; until then it stands before its first state.
        self.position = Position(state: plan.start, visit: 0, context: .emptyObject, step: .exit)
    }

    /// Whether both are the same.
    public static func == (left: Run, right: Run) -> Bool {
        left.id == right.id && left.plan.digest == right.plan.digest && left.seed == right.seed
            && left.startedAt == right.startedAt && left.nextSeq == right.nextSeq && left.phase == right.phase
            && left.position == right.position && left.saga == right.saga && left.signals == right.signals
            && left.parent == right.parent && left.trace == right.trace
    }

    /// Feeds the hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.id)
        hasher.combine(self.nextSeq)
    }

    /// Begins a run.
    ///
    /// - Parameters:
    ///   - id: its id.
    ///   - plan: its definition.
    ///   - context: the context that the start state sees.
    ///   - seed: from which its jitter is drawn; stored with it.
    ///   - now: the database's time.
    ///   - limits: the bounds that it obeys.
    ///   - parent: the run that started it.
    ///   - trace: the trace that it belongs to.
    /// - Returns: the run, and what it decided at once.
    public static func start(
        id: RunID,
        plan: Plan,
        context: Payload,
        seed: UInt64,
        at now: Instant,
        limits: Limits,
        parent: ParentLink? = nil,
        trace: TraceContext? = nil
    ) -> (Run, RunDecision) {
        var run = Run(id: id, plan: plan, seed: seed, startedAt: now, limits: limits, parent: parent)
        run.trace = trace
        var decision = RunDecision()
        let entry = run.entry(of: plan.start, visit: 1, context: context, at: now)
        run.note(.started(entry), in: &decision)
        if let deadline = run.deadline { decision.effects.append(.wake(at: deadline, nil)) }
        run.begin(at: now, in: &decision)
        return (run, decision)
    }

    /// Appends a record and applies it at once.
    mutating func note(_ record: consuming Record, in decision: inout RunDecision) {
        if decision.records.isEmpty {
            decision.firstSeq = self.nextSeq
            decision.firstState = self.position.state
            decision.firstVisit = self.position.visit
        }
        self.apply(record: record)
        decision.records.append(record)
    }

    /// Appends the record that puts the run under another plan.
    mutating func note(_ record: Record, under plan: Plan, in decision: inout RunDecision) {
        invariant(decision.records.isEmpty, "a migration is the first record of its decision")
        let names = self.saga.map { self.plan.states[$0.state].name }
        for (place, name) in names.enumerated() { self.saga[place].state = plan.index(of: name) ?? plan.start }
        self.position.state = plan.start
        self.plan = plan
        self.note(record, in: &decision)
    }

    func entry(
        of state: Plan.Index,
        visit: Int,
        context: Payload,
        cause: Record.Attempt? = nil,
        at now: Instant
    ) -> Record.Entry {
        var due = self.plan.states[state].deadline.map { now.advanced(by: $0) }
        switch self.plan.states[state].step {
        case .timer(let span, _): due = now.advanced(by: span)
        case .wait(let wait, _): due = wait.within.map { now.advanced(by: $0) }
        case .split(let split, _):
            // The time of fixed branches runs from here; that of items from when they are known.
            if case .fixed = split.work { due = split.join.within.map { now.advanced(by: $0) } }
        case .task, .router, .child, .exit: break
        }
        return Record.Entry(
            state: self.plan.states[state].name,
            visit: visit,
            context: context,
            cause: cause,
            due: due,
            trace: self.trace
        )
    }

    // MARK: What the run is doing

    /// What lists show of a run that does not wait for long.
    public var status: RunStatus {
        switch self.phase {
        case .finished(let outcome): RunStatus(outcome)
        case .undoing: self.isBlocked ? .blocked : .compensating
        case .forward: self.isBlocked ? .blocked : .active
        }
    }

    /// Whether it cannot go on without a person.
    public var isBlocked: Bool {
        switch (self.phase, self.position.step) {
        case (.finished, _): false
        case (.undoing(let undoing), _): undoing.unit.state == .parked
        case (.forward, .single(let unit)), (.forward, .expanding(let unit)): unit.state == .parked
        case (.forward, .branches(let branches)):
            branches.decision == nil && branches.parked > 0 && branches.parked == branches.pending
        case (.forward, .timer), (.forward, .waiting), (.forward, .child), (.forward, .exit): false
        }
    }

    /// Whether it waits for something from outside: a signal, or the end of its child.
    public var awaitsEvent: Bool {
        switch (self.phase, self.position.step) {
        case (.forward, .waiting), (.forward, .child): true
        case (.forward, .single), (.forward, .expanding), (.forward, .branches), (.forward, .timer), (.forward, .exit),
            (.undoing, _), (.finished, _):
            false
        }
    }

    /// What it waits for from outside, for people; `nil` when it waits for nothing of that kind.
    public var awaited: String? {
        switch (self.phase, self.position.step) {
        case (.forward, .waiting): self.wait.map { "waits for the signal '\($0.signal)'" }
        case (.forward, .child(let child)):
            self.isEnding ? "ends, and waits for its child \(child.run)" : "waits for its child \(child.run)"
        case (.forward, .single), (.forward, .expanding), (.forward, .branches), (.forward, .timer), (.forward, .exit),
            (.undoing, _), (.finished, _):
            nil
        }
    }

    /// Why it cannot go on, for people; `nil` when it can.
    public var blockage: String? {
        guard self.isBlocked else { return nil }
        let remedy = "find the cause, then `cano retry`, `skip` or `resolve` the run"
        if case .undoing(let undoing) = self.phase, let entry = self.saga.last {
            let state = self.plan.states[entry.state].name
            let reason =
                undoing.unit.crashes >= self.limits.crashes
                ? "lost its worker \(self.limits.crashes) times" : "failed \(undoing.unit.failures) times"
            return "the undo of '\(state)' \(reason); \(remedy)"
        }
        let state = self.plan.states[self.position.state].name
        return "'\(state)' lost its worker \(self.limits.crashes) times; \(remedy)"
    }

    /// When something happens next by itself, while nothing is leased or ready; `nil` while something is.
    ///
    /// ``Instant`` in the far future stands for a run that only a person can move.
    public var dormantUntil: Instant? {
        guard let wake = self.idleUntil else { return nil }
        guard case .forward = self.phase, !self.isEnding else { return wake }
        return min(wake, self.deadline ?? Self.never, self.position.due ?? Self.never)
    }

    static let never = Instant(microseconds: .max)

    private var idleUntil: Instant? {
        switch (self.phase, self.position.step) {
        case (.finished, _): return nil
        case (.undoing(let undoing), _): return Self.idle(undoing.unit)
        case (.forward, .single(let unit)), (.forward, .expanding(let unit)): return Self.idle(unit)
        case (.forward, .timer(let due)): return due
        case (.forward, .waiting(let due)): return due ?? Self.never
        case (.forward, .child): return Self.never
        case (.forward, .exit): return nil
        case (.forward, .branches(let branches)):
            guard branches.leased == 0, branches.unoffered == 0, branches.backingOff == branches.open else {
                return nil
            }
            var wake = min(branches.due ?? Self.never, branches.settleBy ?? Self.never)
            if branches.backingOff > 0 {
                for branch in branches.all {
                    if case .backingOff(let until) = branch.unit.state { wake = min(wake, until) }
                }
            }
            return wake
        }
    }

    private static func idle(_ unit: WorkUnit) -> Instant? {
        switch unit.state {
        case .backingOff(let until): until
        case .parked: Self.never
        case .ready, .leased, .closed: nil
        }
    }
}

extension RunStatus {
    /// The status of a run that ended so.
    public init(_ outcome: RunOutcome) {
        switch outcome {
        case .succeeded: self = .succeeded
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        case .timedOut: self = .timedOut
        }
    }
}
