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
    public let plan: Plan
    /// From which jitter is drawn.
    public let seed: UInt64
    /// When it was started.
    public let startedAt: Instant
    /// When its total time is up.
    public let deadline: Instant?
    /// The bounds that its decisions obey.
    public let limits: Limits
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

    init(id: RunID, plan: Plan, seed: UInt64, startedAt: Instant, limits: Limits) {
        self.id = id
        self.plan = plan
        self.seed = seed
        self.startedAt = startedAt
        self.deadline = plan.definition.timeout.map { startedAt.advanced(by: $0) }
        self.limits = limits
        // A run always begins with `started`; until then it stands before its first state.
        self.position = Position(state: plan.start, visit: 0, context: .emptyObject, step: .exit)
    }

    /// Whether both are the same.
    public static func == (left: Run, right: Run) -> Bool {
        left.id == right.id && left.plan.digest == right.plan.digest && left.seed == right.seed
            && left.startedAt == right.startedAt && left.nextSeq == right.nextSeq && left.phase == right.phase
            && left.position == right.position && left.saga == right.saga && left.trace == right.trace
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
    ///   - trace: the trace that it belongs to.
    /// - Returns: the run, and what it decided at once.
    public static func start(
        id: RunID,
        plan: Plan,
        context: Payload,
        seed: UInt64,
        at now: Instant,
        limits: Limits,
        trace: TraceContext? = nil
    ) -> (Run, RunDecision) {
        var run = Run(id: id, plan: plan, seed: seed, startedAt: now, limits: limits)
        run.trace = trace
        var decision = RunDecision()
        let entry = run.entry(of: plan.start, visit: 1, context: context, at: now)
        run.note(.started(entry), in: &decision)
        if let deadline = run.deadline { decision.effects.append(.wake(at: deadline, nil)) }
        run.begin(at: now, in: &decision)
        return (run, decision)
    }

    /// Appends a record and applies it at once.
    mutating func note(_ record: Record, in decision: inout RunDecision) {
        if decision.records.isEmpty {
            decision.firstSeq = self.nextSeq
            decision.firstState = self.position.state
            decision.firstVisit = self.position.visit
        }
        decision.records.append(record)
        self.apply(record: record)
    }

    func entry(
        of state: Plan.Index,
        visit: Int,
        context: Payload,
        cause: Record.Attempt? = nil,
        at now: Instant
    ) -> Record.Entry {
        var due: Instant?
        if case .timer(let span, _) = self.plan.states[state].step { due = now.advanced(by: span) }
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

    /// What lists show; `waits` says that the run's row names the time at which it goes on.
    public func status(isLongWait waits: Bool) -> RunStatus {
        switch self.phase {
        case .finished(let outcome): RunStatus(outcome)
        case .undoing: if waits { .waiting } else if self.isBlocked { .blocked } else { .compensating }
        case .forward: if waits { .waiting } else if self.isBlocked { .blocked } else { .active }
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
        case (.forward, .timer), (.forward, .exit): false
        }
    }

    /// Why it cannot go on, for people; `nil` when it can.
    public var blockage: String? {
        guard self.isBlocked else { return nil }
        var state = self.plan.states[self.position.state].name
        if case .undoing = self.phase, let entry = self.saga.last {
            state = "the undo of \(self.plan.states[entry.state].name)"
        }
        return "'\(state)' lost its worker \(self.limits.crashes) times; find the cause, then cancel the run"
    }

    /// When something happens next by itself, while nothing is leased or ready; `nil` while something is.
    ///
    /// ``Instant`` in the far future stands for a run that only a person can move.
    public var dormantUntil: Instant? {
        guard let wake = self.idleUntil else { return nil }
        guard case .forward = self.phase, let deadline = self.deadline else { return wake }
        return min(wake, deadline)
    }

    static let never = Instant(microseconds: .max)

    private var idleUntil: Instant? {
        switch (self.phase, self.position.step) {
        case (.finished, _): return nil
        case (.undoing(let undoing), _): return Self.idle(undoing.unit)
        case (.forward, .single(let unit)), (.forward, .expanding(let unit)): return Self.idle(unit)
        case (.forward, .timer(let due)): return due
        case (.forward, .exit): return nil
        case (.forward, .branches(let branches)):
            guard branches.leased == 0, branches.unoffered == 0,
                branches.backingOff + branches.parked == branches.pending
            else { return nil }
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
