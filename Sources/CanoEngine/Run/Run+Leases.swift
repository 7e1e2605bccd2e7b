// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Run {
    /// Grants a lease and says what its owner has to see to from then on; `nil` when the work is not ready for that
    /// attempt (any more).
    ///
    /// Nothing durable changes: a first grant is not recorded.
    package mutating func grant(
        _ key: WorkKey,
        attempt: Int,
        token: Token,
        worker: WorkerID,
        at now: Instant
    ) -> (lease: LeaseGrant, precautions: Precautions)? {
        let path = key.path
        guard var unit = self.unit(path, visit: key.visit), unit.attempt == attempt, !unit.isUnoffered else {
            return nil
        }
        let isHedge = self.hedgeAt(path, unit).map { now >= $0 } ?? false
        guard unit.state == .ready || isHedge, let grant = self.makeGrant(key, unit, token) else { return nil }
        let lease = Lease(token: token, worker: worker, since: now)
        if isHedge { unit.hedge = lease } else { unit.state = .leased(lease) }
        self.change(path) { $0 = unit }
        return (grant, self.precautions(for: path, unit))
    }

    /// Takes over a lease that a worker still holds from an earlier owner; false when it is not the next attempt by
    /// the history, or somebody else has it.
    public mutating func adopt(_ lease: LeaseRef, worker: WorkerID, at now: Instant) -> Bool {
        let path = lease.key.path
        guard let unit = self.unit(path, visit: lease.key.visit), unit.attempt == lease.attempt else { return false }
        if let held = unit.lease(under: lease.token) { return held.worker == worker }
        if unit.lease != nil { return false }
        guard unit.isUnclaimed, unit.held.map({ $0.token == lease.token }) ?? true else { return false }
        let isLeaving = if case .forward = self.phase { self.isLeaving } else { false }
        // Nobody awaits what cannot be undone once the run is about to leave it.
        if isLeaving, !self.isUndoable(path) { return false }
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
        self.change(lease.key.path) { unit in unit.changeLease(lease.token) { $0.hasStarted = true } }
    }

    /// Records that an attempt has been running for a while, so that a new owner waits for its offer.
    public mutating func hold(_ lease: LeaseRef) -> RunDecision {
        var decision = RunDecision()
        // The second of two leases is not recorded: another owner waits for the first.
        guard let held = self.unit(lease.key.path, visit: lease.key.visit)?.lease, held.token == lease.token,
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
        return self.units.flatMap { key, unit in
            unit.leases.map { (LeaseRef(key: key, attempt: unit.attempt, token: $0.token), $0) }
        }
    }

    /// Every piece of work of this moment.
    var units: [(key: WorkKey, unit: WorkUnit)] {
        let visit = self.position.visit
        func key(_ path: WorkPath, _ visit: Int) -> WorkKey { WorkKey(run: self.id, visit: visit, path: path) }
        switch (self.phase, self.position.step) {
        case (.finished, _), (.forward, .timer), (.forward, .waiting), (.forward, .child), (.forward, .exit): return []
        case (.undoing(let undoing), _):
            return self.saga.last.map { [(key(.undo(seq: $0.seq), $0.visit), undoing.unit)] } ?? []
        case (.forward, .single(let unit)): return [(key(.step, visit), unit)]
        case (.forward, .expanding(let unit)): return [(key(.expand, visit), unit)]
        case (.forward, .branches(let branches)):
            return branches.all.prefix(branches.admitted).enumerated().map { (key(.branch($0), visit), $1.unit) }
        }
    }

    /// Offers work that is ready, and looks at it again when its time to start is up.
    func ready(_ path: WorkPath, visit: Int? = nil, _ unit: WorkUnit, in decision: inout RunDecision) {
        guard let offer = self.offer(path, visit: visit, unit) else { return }
        decision.effects.append(.ready(offer))
        if let late = self.startBy(path, unit) { decision.effects.append(.wake(at: late, path)) }
    }

    /// Until when a worker must have begun the work; `nil` when it may wait for ever, or has begun.
    func startBy(_ path: WorkPath, _ unit: WorkUnit) -> Instant? {
        if case .undo = path { return nil }
        guard unit.state == .ready, unit.held == nil, let bound = self.task(path)?.startWithin else { return nil }
        if let readyAt = unit.readyAt { return readyAt.advanced(by: bound) }
        if case .branches(let branches) = self.position.step { return branches.since.advanced(by: bound) }
        return self.position.since.advanced(by: bound)
    }

    /// When a second worker may be given the attempt; `nil` when none may.
    package func hedgeAt(_ path: WorkPath, _ unit: WorkUnit) -> Instant? {
        guard case .forward = self.phase, !self.isLeaving, unit.hedge == nil, let lease = unit.lease,
            let delay = self.task(path)?.hedge
        else { return nil }
        return lease.since.advanced(by: delay)
    }

    /// What an owner has to see to behind a grant.
    package struct Precautions {
        /// Whether the work was lost before in a way that may have been its own doing.
        package var isWary = false
        /// When a second worker may be given it; `nil` when none may.
        package var hedgeAt: Instant?
    }

    private func precautions(for path: WorkPath, _ unit: WorkUnit) -> Precautions {
        Precautions(isWary: unit.isWary, hedgeAt: self.hedgeAt(path, unit))
    }

    func precautions(for key: WorkKey) -> Precautions {
        self.unit(key.path, visit: key.visit).map { self.precautions(for: key.path, $0) } ?? Precautions()
    }

    func offer(_ path: WorkPath, visit: Int? = nil, _ unit: WorkUnit) -> WorkOffer? {
        guard let task = self.task(path) else { return nil }
        return WorkOffer(
            key: WorkKey(run: self.id, visit: visit ?? self.position.visit, path: path),
            attempt: unit.attempt,
            capability: task.capability,
            isExclusive: unit.isSuspect,
            limits: self.limits(of: path)
        )
    }

    /// What must allow an attempt of this work; an undo is not held up by the limits of what it undoes.
    func limits(of path: WorkPath) -> [DeclaredLimit]? {
        if case .undo = path { return nil }
        return self.task(path)?.limits
    }

    /// The task behind a path; for an undo, the task that is undone.
    func task(_ path: WorkPath) -> PlannedTask? {
        guard case .undo(let seq) = path else { return self.plan.planned(path, in: self.position.state) }
        guard let entry = self.saga.last, entry.seq == seq else { return nil }
        return self.plan.planned(entry.path, in: entry.state)
    }

    /// Whether what this work does can be undone.
    func isUndoable(_ path: WorkPath) -> Bool { self.task(path)?.isUndoable ?? false }

    /// How long an attempt of this work may take; `nil` for no bound.
    func timeout(of path: WorkPath) -> Span? {
        guard case .undo = path else { return self.task(path)?.timeout }
        return self.task(path)?.undo?.timeout
    }

    private func makeGrant(_ key: WorkKey, _ unit: WorkUnit, _ token: Token) -> LeaseGrant? {
        let path = key.path
        guard let task = self.task(path), let input = self.input(for: path) else { return nil }
        var work = task.work
        if case .undo = path {
            guard let undo = task.undoWork else { return nil }
            work = undo
        }
        return LeaseGrant(
            lease: LeaseRef(key: key, attempt: unit.attempt, token: token),
            work: work,
            input: input,
            arrival: path == .step || path == .expand ? self.position.arrival : nil,
            cursor: unit.cursor,
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
            return .branch(index: index, item: branches.item(index), context: context)
        case .undo:
            guard let entry = self.saga.last else { return nil }
            return .undo(of: entry.path, output: entry.output)
        }
    }
}
