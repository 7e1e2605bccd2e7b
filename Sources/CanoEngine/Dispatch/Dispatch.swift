// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import DequeModule

/// Brings ready work and free credit together.
///
/// First come, first served, for each capability.
///
/// Pure and in memory: a grant that the shard refuses gives its credit back, so a stale offer does no harm.
public struct Dispatch: Sendable {
    /// A worker's connection and what it can take.
    struct Session: Sendable {
        var worker: WorkerID
        var capabilities: [Capability]
        /// Leases that may still be sent.
        var credit = 0
        /// What it has leases of.
        var leases: Set<WorkKey> = []
        /// Whether it does, or is reserved to do, one suspect piece of work and nothing else.
        var solitude = Solitude.none
        /// Whether its worker was told about work that waits for credit.
        var hasDemand = false
        /// Whether it had to give its credit back: no suspect work waits for it until it has some again.
        var isWithdrawn = false
        /// The capabilities for which it stands in line.
        var standsFor: Set<Capability> = []

        /// Whether it can be given a lease like any other.
        var isFree: Bool { self.credit > 0 && self.solitude == .none }
    }

    /// What a suspect piece of work means for a session.
    enum Solitude: Hashable, Sendable {
        /// Nothing.
        case none
        /// It takes nothing more until it is idle, then this offer.
        case reserved(WorkOffer)
        /// It does a suspect piece of work.
        case busy
    }

    private var queues: [Capability: Deque<WorkOffer>] = [:]
    /// Suspect work for which no session is reserved yet.
    private var suspects: [Capability: Deque<WorkOffer>] = [:]
    private var sessions: [SessionID: Session] = [:]
    /// Sessions with credit, for each capability, in the order in which they take turns; each stands there once.
    private var turns: [Capability: Deque<SessionID>] = [:]
    /// How many offers wait.
    public private(set) var waiting = 0
    /// How many of them are of each run.
    private var waitingOfRun: [RunID: Int] = [:]
    /// Runs that ended while offers of theirs waited, and how many such offers are still in the queues.
    private var ended: Set<RunID> = []
    private var dead = 0

    /// Nothing ready, nobody connected.
    public init() {}

    /// What is to be done.
    public enum Effect: Hashable, Sendable {
        /// Ask the shard to grant this.
        case grant(Grant)
        /// Tell the worker that work waits for its credit.
        case demand(SessionID, Int)
    }

    /// How many offers lie in the queues, those of runs that are over included.
    package var kept: Int { self.waiting + self.dead }

    // MARK: Events

    /// Work became ready.
    public mutating func ready(_ offers: [WorkOffer], effects: inout [Effect]) {
        var capabilities: [Capability] = []
        for offer in offers {
            self.enqueue(offer)
            // Offers of one batch are mostly alike: no set is needed to keep this short.
            if capabilities.last != offer.capability { capabilities.append(offer.capability) }
        }
        for capability in capabilities { self.match(capability, effects: &effects) }
    }

    /// A worker connected.
    public mutating func connected(_ session: SessionID, worker: WorkerID, capabilities: [Capability]) {
        self.sessions[session] = Session(worker: worker, capabilities: capabilities)
    }

    /// A worker can take so many more leases.
    public mutating func credit(_ session: SessionID, _ count: Int, effects: inout [Effect]) {
        guard count > 0, self.sessions[session] != nil else { return }
        self.sessions[session]?.credit += count
        self.sessions[session]?.hasDemand = false
        self.sessions[session]?.isWithdrawn = false
        self.use(session, effects: &effects)
    }

    /// A lease that was granted was not there any more.
    public mutating func ungranted(_ session: SessionID, _ offer: WorkOffer, effects: inout [Effect]) {
        self.ended(session, [offer.key], effects: &effects)
        self.credit(session, 1, effects: &effects)
    }

    /// Leases of a session ended, one way or another; those that it does not have are passed over.
    ///
    /// Their slots come back as credit by the worker's own word.
    public mutating func ended(_ session: SessionID, _ leases: some Sequence<WorkKey>, effects: inout [Effect]) {
        guard self.sessions[session] != nil else { return }
        for lease in leases { self.sessions[session]?.leases.remove(lease) }
        guard let state = self.sessions[session], state.leases.isEmpty, state.solitude != .none else { return }
        if case .busy = state.solitude { self.sessions[session]?.solitude = .none }
        self.use(session, effects: &effects)
    }

    /// A session took over leases that were granted elsewhere, or to another session.
    public mutating func adopted(_ session: SessionID, _ leases: some Sequence<WorkKey>) {
        self.sessions[session]?.leases.formUnion(leases)
    }

    /// A run is over: nobody needs to do what still waits of it.
    public mutating func finished(_ run: RunID) {
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
        for (id, state) in self.sessions.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let gone = state.leases.filter { $0.run.shard == shard }
            if !gone.isEmpty { self.ended(id, gone, effects: &effects) }
        }
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
        }
        return credit
    }

    /// Takes back the credit that nobody here has a use for; another owner may have.
    ///
    /// Returns what each worker is to be told; work that comes later asks for it again.
    public mutating func recallIdle(effects: inout [Effect]) -> [SessionID: Int] {
        guard self.waiting == 0 else { return [:] }
        var recalled: [SessionID: Int] = [:]
        for (id, state) in self.sessions where state.credit > 0 && state.solitude == .none {
            recalled[id] = self.withdraw(id, isGone: false, effects: &effects)
        }
        return recalled
    }

    // MARK: Matching

    private mutating func enqueue(_ offer: WorkOffer) {
        if offer.isExclusive {
            self.suspects[offer.capability, default: []].append(offer)
        } else {
            self.queues[offer.capability, default: []].append(offer)
        }
        self.counts(offer)
    }

    private mutating func counts(_ offer: WorkOffer) {
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
            if state.leases.isEmpty, state.credit > 0 { self.grant(offer, to: session, alone: true, effects: &effects) }
            return
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
    private mutating func match(_ capability: Capability, effects: inout [Effect]) {
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

    private mutating func next(of queue: inout Deque<WorkOffer>) -> WorkOffer? {
        while let offer = queue.popFirst() {
            if self.takes(offer) { return offer }
        }
        return nil
    }

    private mutating func grant(_ offer: WorkOffer, to session: SessionID, alone: Bool, effects: inout [Effect]) {
        guard let worker = self.sessions[session]?.worker else { return }
        self.sessions[session]?.credit -= 1
        self.sessions[session]?.leases.insert(offer.key)
        if alone { self.sessions[session]?.solitude = .busy }
        effects.append(.grant(Grant(offer: offer, session: session, worker: worker)))
    }

    private mutating func tellDemand(_ capability: Capability, _ count: Int, effects: inout [Effect]) {
        let idle = self.sessions.filter { _, state in
            !state.hasDemand && state.credit == 0 && state.leases.isEmpty && state.capabilities.contains(capability)
        }
        // In an order of their own, so that the same story is told the same way by every process.
        for id in idle.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            self.sessions[id]?.hasDemand = true
            effects.append(.demand(id, count))
        }
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
                    return state.solitude == .none && !state.isWithdrawn && (state.credit > 0 || !state.leases.isEmpty)
                        && state.capabilities.contains(capability)
                }
                .min { ($0.value.leases.count, $0.key.rawValue) < ($1.value.leases.count, $1.key.rawValue) }
            guard let (id, state) = best else { break }
            suspects.removeFirst()
            guard self.takes(offer) else { continue }
            if state.leases.isEmpty {
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
