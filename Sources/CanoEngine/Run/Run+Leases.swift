// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Run {
    /// Grants a lease; `nil` when the work is not ready for that attempt (any more).
    ///
    /// Nothing durable changes: a first grant is not recorded.
    public mutating func grant(
        _ path: WorkPath,
        visit: Int,
        attempt: Int,
        token: Token,
        worker: WorkerID,
        at now: Instant
    ) -> LeaseGrant? {
        guard let unit = self.unit(path, visit: visit), unit.state == .ready, !unit.isUnoffered,
            unit.attempt == attempt,
            let grant = self.makeGrant(path, visit: visit, attempt: attempt, token: token)
        else { return nil }
        self.change(path) { $0.state = .leased(Lease(token: token, worker: worker, since: now)) }
        return grant
    }

    /// Takes over a lease that a worker still holds from an earlier owner; false when it is not the next attempt by
    /// the history, or somebody else has it.
    public mutating func adopt(_ lease: LeaseRef, worker: WorkerID, at now: Instant) -> Bool {
        let path = lease.key.path
        guard let unit = self.unit(path, visit: lease.key.visit), unit.attempt == lease.attempt else { return false }
        if let held = unit.lease { return held.token == lease.token && held.worker == worker }
        guard unit.isUnclaimed, unit.held.map({ $0.token == lease.token }) ?? true else { return false }
        let isLeaving = if case .forward = self.phase { self.isLeaving } else { false }
        // Nobody awaits what cannot be undone once the run is about to leave it.
        if isLeaving, self.task(path)?.undo == nil { return false }
        self.change(path) { unit in
            var adopted = Lease(token: lease.token, worker: worker, since: unit.held?.startedAt ?? now)
            adopted.hasStarted = true
            adopted.isRecorded = unit.held != nil
            adopted.isStopping = isLeaving
            unit.state = .leased(adopted)
        }
        return true
    }

    /// The worker says that the task begins now.
    public mutating func started(_ lease: LeaseRef) {
        guard self.unit(lease.key.path, visit: lease.key.visit)?.lease(under: lease.token) != nil else { return }
        self.change(lease.key.path) { unit in
            guard case .leased(var lease) = unit.state else { return }
            lease.hasStarted = true
            unit.state = .leased(lease)
        }
    }

    /// Records that an attempt has been running for a while, so that a new owner waits for its offer.
    public mutating func hold(_ lease: LeaseRef) -> RunDecision {
        var decision = RunDecision()
        guard let held = self.unit(lease.key.path, visit: lease.key.visit)?.lease(under: lease.token),
            !held.isRecorded
        else { return decision }
        let attempt = Record.Attempt(
            number: lease.attempt,
            token: held.token,
            worker: held.worker,
            startedAt: held.since
        )
        self.note(.attemptHeld(lease.key.path, attempt), in: &decision)
        return decision
    }

    /// Everything that could be granted now.
    public var offers: [WorkOffer] {
        if case .forward = self.phase, self.isLeaving { return [] }
        return self.units.compactMap { key, unit in
            unit.state == .ready && !unit.isUnoffered ? self.offer(key.path, visit: key.visit, unit) : nil
        }
    }

    /// Every lease that is out, with its worker.
    public var leases: [(LeaseRef, Lease)] {
        if case .forward = self.phase, case .branches(let branches) = self.position.step, branches.leased == 0 {
            return []
        }
        return self.units.compactMap { key, unit in
            guard let lease = unit.lease else { return nil }
            return (LeaseRef(key: key, attempt: unit.attempt, token: lease.token), lease)
        }
    }

    /// Every piece of work of this moment.
    var units: [(key: WorkKey, unit: WorkUnit)] {
        let visit = self.position.visit
        func key(_ path: WorkPath, _ visit: Int) -> WorkKey { WorkKey(run: self.id, visit: visit, path: path) }
        switch (self.phase, self.position.step) {
        case (.finished, _), (.forward, .timer), (.forward, .exit): return []
        case (.undoing(let undoing), _):
            return self.saga.last.map { [(key(.undo(seq: $0.seq), $0.visit), undoing.unit)] } ?? []
        case (.forward, .single(let unit)): return [(key(.step, visit), unit)]
        case (.forward, .expanding(let unit)): return [(key(.expand, visit), unit)]
        case (.forward, .branches(let branches)):
            return branches.all.enumerated().map { (key(.branch($0), visit), $1.unit) }
        }
    }

    func offer(_ path: WorkPath, visit: Int? = nil, _ unit: WorkUnit) -> WorkOffer? {
        guard let task = self.task(path) else { return nil }
        return WorkOffer(
            key: WorkKey(run: self.id, visit: visit ?? self.position.visit, path: path),
            attempt: unit.attempt,
            capability: self.plan.capability(for: task),
            isExclusive: unit.isSuspect,
            limits: self.limits(of: path)
        )
    }

    /// What must allow an attempt of this work; an undo is not held up by the limits of what it undoes.
    func limits(of path: WorkPath) -> [DeclaredLimit]? {
        if case .undo = path { return nil }
        guard let limits = self.task(path)?.limits, !limits.isEmpty else { return nil }
        return limits
    }

    /// The task behind a path; for an undo, the task that is undone.
    func task(_ path: WorkPath) -> TaskDefinition? {
        guard case .undo(let seq) = path else { return self.plan.task(path, in: self.position.state) }
        guard let entry = self.saga.last, entry.seq == seq else { return nil }
        return self.plan.task(entry.path, in: entry.state)
    }

    /// How long an attempt of this work may take; `nil` for no bound.
    func timeout(of path: WorkPath) -> Span? {
        guard case .undo = path else { return self.task(path)?.timeout }
        return self.task(path)?.undo?.timeout
    }

    private func makeGrant(_ path: WorkPath, visit: Int, attempt: Int, token: Token) -> LeaseGrant? {
        guard let task = self.task(path), let input = self.input(for: path) else { return nil }
        var state = self.position.state
        var (arguments, timeout, next) = (task.arguments, task.timeout, self.plan.states[state].next)
        if case .undo = path, let entry = self.saga.last {
            state = entry.state
            (arguments, timeout, next) = (task.undo?.arguments, task.undo?.timeout, [])
        }
        return LeaseGrant(
            lease: LeaseRef(key: WorkKey(run: self.id, visit: visit, path: path), attempt: attempt, token: token),
            definition: self.plan.key,
            digest: self.plan.digest,
            state: self.plan.states[state].name,
            handler: task.handler,
            arguments: arguments,
            next: next,
            timeout: timeout,
            input: input,
            trace: self.trace
        )
    }

    private func input(for path: WorkPath) -> LeaseGrant.Input? {
        let context = self.position.context
        switch path {
        case .step:
            if case .router = self.plan.states[self.position.state].step {
                return .router(context: context, branches: self.position.joined)
            }
            return .task(context: context, branches: self.position.joined)
        case .expand: return .expand(context: context, branches: self.position.joined)
        case .branch(let index):
            guard case .branches(let branches) = self.position.step else { return nil }
            return .branch(index: index, item: branches.items[index], context: context)
        case .undo:
            guard let entry = self.saga.last else { return nil }
            return .undo(of: entry.path, output: entry.output)
        }
    }
}
