// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import DequeModule

/// Brings ready work and free credit together. First come, first served, for each capability.
///
/// Pure and in memory: a grant that the shard refuses gives its credit back, so a stale offer does no harm.
public struct Dispatch: Sendable {
    /// A worker's connection and what it can take.
    struct Session: Sendable {
        var worker: WorkerID
        var capabilities: [Capability]
        /// Leases that may still be sent.
        var credit = 0
        /// Leases that are out.
        var leases = 0
        /// Whether it does, or is reserved to do, one suspect piece of work and nothing else.
        var solitude = Solitude.none
        /// Whether its worker was told about work that waits for credit.
        var hasDemand = false
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
    private var sessions: [SessionID: Session] = [:]
    /// Sessions with credit, for each capability, in the order in which they take turns.
    private var turns: [Capability: Deque<SessionID>] = [:]
    /// How many offers wait.
    public private(set) var waiting = 0

    /// Nothing ready, nobody connected.
    public init() {}

    /// What is to be done.
    public enum Effect: Hashable, Sendable {
        /// Ask the shard to grant this.
        case grant(Grant)
        /// Tell the worker that work waits for its credit.
        case demand(SessionID, Int)
    }

    // MARK: Events

    /// Work became ready.
    public mutating func ready(_ offers: [WorkOffer], effects: inout [Effect]) {
        for offer in offers {
            if offer.isExclusive { self.reserve(offer, effects: &effects) } else { self.enqueue(offer) }
        }
        for capability in Set(offers.map(\.capability)) { self.match(capability, effects: &effects) }
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
        self.offerTurns(session, effects: &effects)
    }

    /// A lease that was granted was not there any more.
    public mutating func ungranted(_ session: SessionID, _ offer: WorkOffer, effects: inout [Effect]) {
        self.end(session, effects: &effects)
        self.credit(session, 1, effects: &effects)
    }

    /// Leases of a session ended, one way or another. Their slots come back as credit by the worker's own word.
    public mutating func ended(_ session: SessionID, _ count: Int, effects: inout [Effect]) {
        for _ in 0..<count { self.end(session, effects: &effects) }
    }

    /// A session took over leases that were granted elsewhere.
    public mutating func adopted(_ session: SessionID, _ count: Int) {
        self.sessions[session]?.leases += count
    }

    /// A worker takes no more leases, or is gone. Returns the credit that it had.
    @discardableResult
    public mutating func withdraw(_ session: SessionID, isGone: Bool, effects: inout [Effect]) -> Int {
        guard var state = self.sessions[session] else { return 0 }
        let credit = state.credit
        state.credit = 0
        if case .reserved(let offer) = state.solitude {
            state.solitude = .none
            self.sessions[session] = isGone ? nil : state
            self.reserve(offer, effects: &effects)
        } else {
            self.sessions[session] = isGone ? nil : state
        }
        return credit
    }

    // MARK: Matching

    private mutating func enqueue(_ offer: WorkOffer) {
        self.queues[offer.capability, default: []].append(offer)
        self.waiting += 1
    }

    private mutating func offerTurns(_ session: SessionID, effects: inout [Effect]) {
        guard let state = self.sessions[session] else { return }
        for capability in state.capabilities {
            if state.credit > 0, state.solitude == .none { self.turns[capability, default: []].append(session) }
            self.match(capability, effects: &effects)
        }
    }

    /// Grants offers of a capability to the sessions whose turn it is.
    private mutating func match(_ capability: Capability, effects: inout [Effect]) {
        guard var queue = self.queues[capability], !queue.isEmpty else { return }
        // Taken out of the table, so that both change in place.
        self.queues[capability] = nil
        var turns = self.turns.removeValue(forKey: capability) ?? []
        while !queue.isEmpty, let session = turns.popFirst() {
            guard var state = self.sessions[session], state.credit > 0, state.solitude == .none else { continue }
            guard let offer = queue.popFirst() else { break }
            self.waiting -= 1
            state.credit -= 1
            state.leases += 1
            effects.append(.grant(Grant(offer: offer, session: session, worker: state.worker)))
            if state.credit > 0 { turns.append(session) }
            self.sessions[session] = state
        }
        if !queue.isEmpty {
            self.tellDemand(capability, queue.count, effects: &effects)
            self.queues[capability] = queue
        }
        if !turns.isEmpty { self.turns[capability] = turns }
    }

    private mutating func tellDemand(_ capability: Capability, _ count: Int, effects: inout [Effect]) {
        for (id, state) in self.sessions where !state.hasDemand && state.credit == 0 && state.leases == 0 {
            guard state.capabilities.contains(capability) else { continue }
            self.sessions[id]?.hasDemand = true
            effects.append(.demand(id, count))
        }
    }

    // MARK: Suspect work

    /// Finds a session that does nothing else, or keeps one free for it.
    private mutating func reserve(_ offer: WorkOffer, effects: inout [Effect]) {
        let able = self.sessions.filter { $0.value.capabilities.contains(offer.capability) && $0.value.solitude == .none }
        // The smallest number of leases is idle soonest; ties go to the older session, so that the choice is stable.
        let best = able.filter { $0.value.credit > 0 || $0.value.leases > 0 }
            .min { ($0.value.leases, $0.key.rawValue) < ($1.value.leases, $1.key.rawValue) }
        guard let (id, state) = best else { return self.enqueue(offer) }
        if state.leases == 0 {
            self.grantAlone(offer, id, effects: &effects)
        } else {
            self.sessions[id]?.solitude = .reserved(offer)
        }
    }

    private mutating func grantAlone(_ offer: WorkOffer, _ session: SessionID, effects: inout [Effect]) {
        guard var state = self.sessions[session] else { return }
        state.credit -= 1
        state.leases += 1
        state.solitude = .busy
        self.sessions[session] = state
        effects.append(.grant(Grant(offer: offer, session: session, worker: state.worker)))
    }

    private mutating func end(_ session: SessionID, effects: inout [Effect]) {
        guard var state = self.sessions[session] else { return }
        state.leases = max(0, state.leases - 1)
        self.sessions[session] = state
        guard state.leases == 0 else { return }
        switch state.solitude {
        case .none: break
        case .busy:
            self.sessions[session]?.solitude = .none
            self.offerTurns(session, effects: &effects)
        case .reserved(let offer):
            // The slot of the lease that just ended may not have come back yet; the credit is then owed.
            self.grantAlone(offer, session, effects: &effects)
        }
    }
}
