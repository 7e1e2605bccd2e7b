// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import DequeModule

/// Brings ready work and free credit together.
///
/// First come, first served, for each capability.
///
/// Pure and in memory: a grant that the shard refuses gives its credit back, so a stale offer does no harm.
public struct Dispatch: Sendable {
    var queues: [Capability: Deque<WorkOffer>] = [:]
    /// Suspect work for which no session is reserved yet.
    var suspects: [Capability: Deque<WorkOffer>] = [:]
    var sessions: [SessionID: Session] = [:]
    /// Sessions with credit, for each capability, in the order in which they take turns; each stands there once.
    private var turns: [Capability: Deque<SessionID>] = [:]
    /// Work for which nobody is connected.
    var unserved: [Capability: Unserved] = [:]
    /// How many offers wait for a worker.
    public private(set) var waiting = 0
    /// How many of them are of each run.
    private var waitingOfRun: [RunID: Int] = [:]
    /// Runs that ended while offers of theirs waited, and how many such offers are still in the queues.
    private var ended: Set<RunID> = []
    private var dead = 0
    /// What declared limits allow, and what waits for them; see `Dispatch+Limits.swift`.
    var board = LimitBoard()
    var held = HeldWork()
    /// The time, as far as it was told.
    var now = Instant(microseconds: 0)
    /// Limits that may allow more than when work was put into their lines.
    var touched: [LimitID] = []
    /// When limits allow more by themselves.
    var due: [LimitID: Instant] = [:]
    /// When it has asked to be woken next.
    var announced: Instant?
    /// Whether work with declared limits was ever seen here: then it must be told the time.
    public internal(set) var usesLimits = false

    /// Nothing ready, nobody connected.
    public init() {}

    /// What is to be done.
    public enum Effect: Hashable, Sendable {
        /// Ask the shard to grant this.
        case grant(Grant)
        /// Tell the worker that work waits for its credit.
        case demand(SessionID, Int)
        /// Call ``Dispatch/advance(to:effects:)`` when this instant has come.
        case wake(at: Instant)
    }

    /// How many offers lie in the queues, those of runs that are over included.
    package var kept: Int { self.waiting + self.dead }

    // MARK: Events

    /// Work became ready.
    public mutating func ready(_ offers: [WorkOffer], effects: inout [Effect]) {
        var capabilities: [Capability] = []
        for offer in offers {
            guard offer.avoided == nil else {
                self.hedge(offer, effects: &effects)
                continue
            }
            self.enqueue(offer)
            // Offers of one batch are mostly alike: no set is needed to keep this short.
            if capabilities.last != offer.capability { capabilities.append(offer.capability) }
        }
        for capability in capabilities { self.match(capability, effects: &effects) }
        self.settle(effects: &effects)
    }

    /// A worker connected.
    public mutating func connected(_ session: SessionID, worker: WorkerID, capabilities: [Capability]) {
        self.sessions[session] = Session(worker: worker, capabilities: capabilities)
    }

    /// A worker can take so many more leases.
    public mutating func credit(_ session: SessionID, _ count: Int, effects: inout [Effect]) {
        guard count > 0, let index = self.sessions.index(forKey: session) else { return }
        let stands = self.sessions.values[index].take(credit: count)
        // It stands in every line, and there is nobody who waits for it: in a queue, alone for it, or for a limit.
        if stands, self.waiting == 0, self.touched.isEmpty { return }
        self.use(session, effects: &effects)
        self.settle(effects: &effects)
    }

    /// A lease that was granted was not there any more.
    public mutating func ungranted(_ session: SessionID, _ offer: WorkOffer, effects: inout [Effect]) {
        self.refund(offer)
        self.ended(session, [offer.key], effects: &effects)
        self.credit(session, 1, effects: &effects)
    }

    /// Leases of a session ended, one way or another; those that it does not have are passed over.
    ///
    /// Their slots come back as credit by the worker's own word.
    public mutating func ended(_ session: SessionID, _ leases: some Sequence<WorkKey>, effects: inout [Effect]) {
        guard self.sessions[session] != nil else { return }
        for lease in leases { self.sessions[session]?.end(lease) }
        guard let state = self.sessions[session], state.isIdle, state.solitude != .none else { return }
        if case .busy = state.solitude { self.sessions[session]?.solitude = .none }
        self.use(session, effects: &effects)
        self.settle(effects: &effects)
    }

    /// A session took over leases that were granted elsewhere, or to another session.
    public mutating func adopted(_ session: SessionID, _ leases: some Sequence<WorkKey>) {
        for lease in leases {
            let known = self.sessions[session]?.leases[lease] ?? 0
            self.sessions[session]?.leases[lease] = max(1, known)
        }
    }

    /// A run is over: nobody needs to do what still waits of it.
    public mutating func finished(_ run: RunID) {
        if self.held.knows(run) { self.held.drop { $0 == run } }
        guard let count = self.waitingOfRun.removeValue(forKey: run) else { return }
        self.ended.insert(run)
        self.waiting -= count
        self.dead += count
        if self.dead > self.waiting + Self.deadOffers { self.sweep() }
    }

    /// So many offers of runs that are over may lie in the queues beside those that wait.
    private static let deadOffers = 64

    private mutating func sweep() {
        let ended = self.ended
        self.removeOffers { ended.contains($0.key.run) }
        self.ended = []
        self.dead = 0
    }

    private mutating func removeOffers(where isGone: (WorkOffer) -> Bool) {
        func kept(_ queues: [Capability: Deque<WorkOffer>]) -> [Capability: Deque<WorkOffer>] {
            queues.compactMapValues { queue in
                let kept = queue.filter { !isGone($0) }
                return kept.isEmpty ? nil : Deque(kept)
            }
        }
        (self.queues, self.suspects) = (kept(self.queues), kept(self.suspects))
    }

    /// A shard is not ours any more: whatever of it is leased is another owner's, or will be adopted anew, and what
    /// waits of it is offered by its next owner.
    public mutating func lost(_ shard: ShardID, effects: inout [Effect]) {
        let gone = self.waitingOfRun.filter { $0.key.shard == shard }
        if !gone.isEmpty {
            self.removeOffers { gone[$0.key.run] != nil }
            for (run, count) in gone {
                self.waitingOfRun[run] = nil
                self.waiting -= count
            }
        }
        self.dropLimits(of: shard)
        for (id, state) in self.sessions.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let gone = state.leases.filter { $0.key.run.shard == shard }
                .flatMap { Array(repeating: $0.key, count: $0.value) }
            if !gone.isEmpty { self.ended(id, gone, effects: &effects) }
        }
        self.settle(effects: &effects)
    }

    /// A worker takes no more leases, or is gone.
    ///
    /// Returns the credit that it had.
    @discardableResult
    public mutating func withdraw(_ session: SessionID, isGone: Bool, effects: inout [Effect]) -> Int {
        guard var state = self.sessions[session] else { return 0 }
        let credit = state.credit
        let solitude = state.solitude
        for capability in state.standsFor { self.turns[capability]?.removeAll { $0 == session } }
        state.standsFor = []
        state.credit = 0
        state.isWithdrawn = true
        if case .reserved = solitude { state.solitude = .none }
        self.sessions[session] = isGone ? nil : state
        if case .reserved(let offer) = solitude {
            self.suspects[offer.capability, default: []].prepend(offer)
            self.counts(offer)
            self.match(offer.capability, effects: &effects)
            self.settle(effects: &effects)
        }
        return credit
    }

    /// What the connected sessions can do.
    var capabilities: Set<Capability> { Set(self.sessions.values.lazy.flatMap(\.capabilities)) }

    /// For what work waits.
    var waitingCapabilities: Set<Capability> { Set(self.queues.keys).union(self.suspects.keys) }

    /// The work that waits for a capability.
    func waitingOffers(of capability: Capability) -> [WorkOffer] {
        Array(self.queues[capability] ?? []) + Array(self.suspects[capability] ?? [])
    }

    /// Takes back the credit that nobody here has a use for; another owner may have.
    ///
    /// Returns what each worker is to be told; work that comes later asks for it again.
    public mutating func recallIdle(effects: inout [Effect]) -> [SessionID: Int] {
        guard self.waiting == 0 else { return [:] }
        var recalled: [SessionID: Int] = [:]
        // Only who does nothing at all is asked again when there is work, so only they give theirs back.
        for (id, state) in self.sessions where state.isFree && state.isIdle {
            recalled[id] = self.withdraw(id, isGone: false, effects: &effects)
        }
        return recalled
    }

    // MARK: Matching

    private mutating func enqueue(_ offer: WorkOffer) {
        if offer.limits != nil { self.usesLimits = true }
        if offer.isExclusive {
            self.suspects[offer.capability, default: []].append(offer)
        } else {
            self.queues[offer.capability, default: []].append(offer)
        }
        self.counts(offer)
    }

    mutating func counts(_ offer: WorkOffer) {
        self.waiting += 1
        self.waitingOfRun[offer.key.run, default: 0] += 1
    }

    /// An offer was taken out of its queue; false when its run is over, so that nobody needs to do it.
    private mutating func takes(_ offer: WorkOffer) -> Bool {
        let run = offer.key.run
        if !self.ended.isEmpty, self.ended.contains(run) {
            self.dead -= 1
            if self.dead == 0 { self.ended = [] }
            return false
        }
        self.waiting -= 1
        let left = (self.waitingOfRun[run] ?? 1) - 1
        self.waitingOfRun[run] = left > 0 ? left : nil
        return true
    }

    /// A session has something to give again: it does the work that it is reserved for, or stands in line.
    private mutating func use(_ session: SessionID, effects: inout [Effect]) {
        guard let state = self.sessions[session] else { return }
        if case .reserved(let offer) = state.solitude {
            guard state.isIdle, state.credit > 0 else { return }
            if self.admit(offer) { return self.grant(offer, to: session, alone: true, effects: &effects) }
            self.sessions[session]?.solitude = .none
        }
        for capability in state.capabilities {
            self.stand(session, for: capability)
            self.match(capability, effects: &effects)
        }
    }

    private mutating func stand(_ session: SessionID, for capability: Capability) {
        guard self.sessions[session]?.isFree ?? false,
            self.sessions[session]?.standsFor.insert(capability).inserted ?? false
        else { return }
        self.turns[capability, default: []].append(session)
    }

    /// Grants offers of a capability to the sessions whose turn it is; suspect work first.
    mutating func match(_ capability: Capability, effects: inout [Effect]) {
        if self.suspects[capability] != nil { self.reserve(capability, effects: &effects) }
        guard var queue = self.queues[capability], !queue.isEmpty else { return }
        // Taken out of the table, so that both change in place.
        self.queues[capability] = nil
        var turns = self.turns.removeValue(forKey: capability) ?? []
        while !queue.isEmpty, let session = turns.popFirst() {
            self.sessions[session]?.standsFor.remove(capability)
            guard self.sessions[session]?.isFree ?? false else { continue }
            guard let offer = self.next(of: &queue) else {
                turns.prepend(session)
                self.sessions[session]?.standsFor.insert(capability)
                break
            }
            self.grant(offer, to: session, alone: false, effects: &effects)
            if self.sessions[session]?.isFree ?? false {
                self.sessions[session]?.standsFor.insert(capability)
                turns.append(session)
            }
        }
        if !queue.isEmpty {
            self.tellDemand(capability, queue.count, effects: &effects)
            self.queues[capability] = queue
        }
        if !turns.isEmpty { self.turns[capability] = turns }
    }

    /// The first offer that may begin; those before it are over, or held by their limits.
    private mutating func next(of queue: inout Deque<WorkOffer>) -> WorkOffer? {
        while let offer = queue.popFirst() {
            guard self.takes(offer) else { continue }
            if self.admit(offer) { return offer }
        }
        return nil
    }

    private mutating func grant(_ offer: WorkOffer, to session: SessionID, alone: Bool, effects: inout [Effect]) {
        guard let worker = self.sessions[session]?.worker else { return }
        self.sessions[session]?.credit -= 1
        self.sessions[session]?.leases[offer.key, default: 0] += 1
        if alone { self.sessions[session]?.solitude = .busy }
        effects.append(.grant(Grant(offer: offer, session: session, worker: worker)))
    }

    private mutating func tellDemand(_ capability: Capability, _ count: Int, effects: inout [Effect]) {
        let idle = self.sessions.filter { _, state in
            !state.hasDemand && state.credit == 0 && state.isIdle && state.capabilities.contains(capability)
        }
        // In an order of their own, so that the same story is told the same way by every process.
        for id in idle.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            self.sessions[id]?.hasDemand = true
            effects.append(.demand(id, count))
        }
    }

    /// Finds a second worker for an attempt: another one than the first if it is free, else the same.
    ///
    /// When nobody is free the first one goes on alone.
    private mutating func hedge(_ offer: WorkOffer, effects: inout [Effect]) {
        // A second attempt would count against the limits of the first.
        guard offer.limits == nil else { return }
        func rank(_ session: (key: SessionID, value: Session)) -> (Int, Int, Int64) {
            (session.value.worker == offer.avoided ? 1 : 0, session.value.leases.count, session.key.rawValue)
        }
        let best = self.sessions
            .filter { $0.value.isFree && $0.value.capabilities.contains(offer.capability) }
            .min { rank($0) < rank($1) }
        if let best { self.grant(offer, to: best.key, alone: false, effects: &effects) }
    }

    // MARK: Suspect work

    /// Finds sessions that do nothing else for suspect work, or keeps sessions free for it.
    private mutating func reserve(_ capability: Capability, effects: inout [Effect]) {
        guard var suspects = self.suspects.removeValue(forKey: capability) else { return }
        while let offer = suspects.first {
            // The smallest number of leases is idle soonest; ties go to the older session: the choice is stable.
            let best = self.sessions
                .filter { session in
                    let state = session.value
                    return state.solitude == .none && !state.isWithdrawn && (state.credit > 0 || !state.isIdle)
                        && state.capabilities.contains(capability)
                }
                .min { ($0.value.leases.count, $0.key.rawValue) < ($1.value.leases.count, $1.key.rawValue) }
            guard let (id, state) = best else { break }
            suspects.removeFirst()
            guard self.takes(offer) else { continue }
            if state.isIdle {
                guard self.admit(offer) else { continue }
                self.grant(offer, to: id, alone: true, effects: &effects)
            } else {
                self.sessions[id]?.solitude = .reserved(offer)
            }
        }
        guard !suspects.isEmpty else { return }
        self.tellDemand(capability, suspects.count, effects: &effects)
        self.suspects[capability] = suspects
    }
}
