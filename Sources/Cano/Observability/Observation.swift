// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Turns what one shard made durable into events, and remembers which attempts are open, so that each one that was
/// told to have begun is told to have ended.
///
/// It belongs to the shard's shell and lives as long as that.
struct Observation {
    /// An attempt whose beginning was told.
    struct Open {
        var event: RunEvent
        var attempt: RunEvent.Attempt
    }

    private let observers: [any RunObserver]
    private var attempts: [RunID: [Token: Open]] = [:]

    /// `nil` when nobody listens: then nothing of it costs anything.
    init?(_ observers: [any RunObserver]) {
        guard !observers.isEmpty else { return nil }
        self.observers = observers
    }

    /// Tells what a durable batch says.
    ///
    /// Runs in `refused` were left out of it.
    mutating func tell(_ facts: [ShardFact], without refused: [RunID: KeyedRun], at now: Instant) {
        for fact in facts where refused[fact.run] == nil {
            switch fact {
            case .decided(let decided): self.tell(decided)
            case .resumed(let standing): self.emit(standing.event(.resumed, at: now))
            case .blocked(let standing, let reason):
                self.emit(standing.event(.blocked(reason: reason), at: now))
            case .unblocked(let standing): self.emit(standing.event(.unblocked, at: now))
            }
        }
    }

    /// Tells what effects say that no record does: leases that begin, and leases that end unheard.
    mutating func tell(_ effects: [ShardEffect], of host: EngineHost) {
        for effect in effects {
            switch effect {
            case .send(let grant, let session):
                self.began(grant, worker: host.worker(of: session), plan: host.plan(of: grant), at: host.clock.now())
            case .revoke(let lease, _): self.end(lease.key.run, lease.token, .revoked, at: host.clock.now())
            case .finished(let run, _, _): self.endAll(of: run, .revoked, at: host.clock.now())
            case .ready, .followed, .unused, .claimed, .ungranted, .adopted, .stop, .answer, .checkpointed, .lookUp,
                .left, .posted, .reply, .load, .loadPage, .unreadable, .wake:
                break  // told by records, or no business of those who watch runs
            }
        }
    }

    /// The process gave up the shard: what becomes of its attempts is told by whoever owns it next.
    mutating func gaveUp(at now: Instant) {
        for run in Array(self.attempts.keys) { self.endAll(of: run, .lost(.owner), at: now) }
    }

    // MARK: Attempts

    private mutating func began(_ grant: LeaseGrant, worker: WorkerID?, plan: Plan?, at now: Instant) {
        let lease = grant.lease
        let attempt = RunEvent.Attempt(
            path: lease.key.path,
            task: plan?.taskName(of: grant) ?? grant.state,
            number: lease.attempt,
            worker: worker,
            startedAt: now
        )
        let event = RunEvent(
            run: lease.key.run,
            definition: grant.definition,
            state: grant.state,
            visit: lease.key.visit,
            seq: 0,
            at: now,
            kind: .attemptStarted(attempt),
            trace: grant.trace
        )
        self.attempts[lease.key.run, default: [:]][lease.token] = Open(event: event, attempt: attempt)
        self.emit(event)
    }

    /// Tells the end of an attempt; false when its beginning was not told, or its end was told before.
    @discardableResult
    mutating func end(
        _ run: RunID,
        _ token: Token?,
        _ end: RunEvent.AttemptEnd,
        seq: Int? = nil,
        at now: Instant
    ) -> Bool {
        guard let token, let open = self.attempts[run]?.removeValue(forKey: token) else { return false }
        if self.attempts[run]?.isEmpty ?? false { self.attempts[run] = nil }
        var event = open.event
        event.kind = .attemptEnded(open.attempt, end)
        event.seq = seq ?? event.seq
        event.at = now
        self.emit(event)
        return true
    }

    private mutating func endAll(of run: RunID, _ end: RunEvent.AttemptEnd, at now: Instant) {
        for token in (self.attempts[run] ?? [:]).keys.sorted() { self.end(run, token, end, at: now) }
    }

    /// The attempt with this token; `nil` when its beginning was not told, or its end was told before.
    func open(_ run: RunID, _ token: Token?) -> Open? {
        token.flatMap { self.attempts[run]?[$0] }
    }

    func emit(_ event: RunEvent) {
        for observer in self.observers { observer.observe(event) }
    }
}

extension RunStanding {
    fileprivate func event(_ kind: RunEvent.Kind, at now: Instant) -> RunEvent {
        RunEvent(
            run: self.run,
            definition: self.plan.key,
            state: self.plan.states[self.state].name,
            visit: self.visit,
            seq: self.seq,
            at: now,
            kind: kind,
            trace: self.trace
        )
    }
}

extension Plan {
    /// The name of the task that a lease is for; for an undo that of the task undone.
    fileprivate func taskName(of grant: LeaseGrant) -> String? {
        guard let state = self.index(of: grant.state) else { return nil }
        if case .undo(let path, _) = grant.input { return self.task(path, in: state)?.name }
        return self.task(grant.lease.key.path, in: state)?.name
    }
}

extension EngineHost {
    fileprivate func worker(of session: SessionID) -> WorkerID? {
        self.sessions.withLock { $0[session]?.worker }
    }

    fileprivate func plan(of grant: LeaseGrant) -> Plan? {
        self.plans.plan(grant.definition.name, version: grant.definition.version)
    }
}
