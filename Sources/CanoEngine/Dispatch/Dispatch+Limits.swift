// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Work that cannot begin because of a limit that its definition declares.
public struct LimitWait: Hashable, Sendable {
    /// The work.
    public var key: WorkKey
    /// The attempt that waits to begin.
    public var attempt: Int
    /// The limit.
    public var limit: LimitID
    /// When the limit allows something again by itself; `nil` when only an end of other work can tell.
    public var until: Instant?

    /// A wait from its parts.
    public init(key: WorkKey, attempt: Int, limit: LimitID, until: Instant? = nil) {
        self.key = key
        self.attempt = attempt
        self.limit = limit
        self.until = until
    }
}

extension Dispatch {
    // MARK: Events

    /// Time has passed: what waited for it may begin.
    ///
    /// Whoever drives a dispatch calls this before every other event as soon as ``usesLimits`` is true.
    public mutating func advance(to now: Instant, effects: inout [Effect]) {
        self.now = now
        if let wake = self.announced, wake <= now { self.announced = nil }
        for (limit, at) in self.due where at <= now {
            self.due[limit] = nil
            self.touch([limit])
        }
        self.settle(effects: &effects)
    }

    /// Attempts ended: their outcomes are what declared breakers go by.
    public mutating func heard(_ reports: [AttemptReport], effects: inout [Effect]) {
        guard !self.board.isIdle else { return }
        for report in reports { self.end(LimitBoard.Holder(report.lease), Self.outcome(of: report.result)) }
        self.settle(effects: &effects)
    }

    /// Leases ended without an outcome.
    public mutating func freed(_ leases: some Sequence<LeaseRef>, effects: inout [Effect]) {
        guard !self.board.isIdle else { return }
        for lease in leases { self.end(LimitBoard.Holder(lease), .cancelled) }
        self.settle(effects: &effects)
    }

    /// A lease that was granted elsewhere, or before, counts against the limits of its work.
    public mutating func claimed(_ lease: LeaseRef, _ limits: [DeclaredLimit], since: Instant) {
        self.usesLimits = true
        self.board.adopt(LimitBoard.Holder(lease), limits, since: since, at: max(self.now, since))
    }

    /// Leases of an earlier owner may be offered until then: no work that is limited to so many at once begins before.
    public mutating func listen(until instant: Instant) {
        self.board.listen(until: instant)
    }

    /// Somebody forces a breaker that definitions declare, or releases it; false when none of this name is known here.
    public mutating func force(breaker name: String, _ force: BreakerForce, effects: inout [Effect]) -> Bool {
        let isKnown = self.board.change(breaker: name) { breaker in
            switch force {
            case .open: breaker.forceOpen()
            case .closed: breaker.forceClosed()
            case .release: breaker.release()
            }
        }
        guard isKnown else { return false }
        self.touch([LimitID(kind: .breaker, name: name)])
        self.settle(effects: &effects)
        return true
    }

    /// What a run waits for.
    public func waits(of run: RunID) -> [LimitWait] {
        self.held.waits(of: run)
            .map { offer, id in
                let limit = offer.limits?.first { $0.id == id }
                let until = limit.flatMap { self.board.opens($0, at: self.now) }
                return LimitWait(key: offer.key, attempt: offer.attempt, limit: id, until: until)
            }
    }

    // MARK: Deciding

    /// Whether work may begin as far as its limits go; if not, it is put into the line of one that holds it.
    mutating func admit(_ offer: WorkOffer) -> Bool {
        guard let limits = offer.limits else { return true }
        // Offered twice: somebody has this attempt, or is about to.
        guard !self.board.counts(LimitBoard.Holder(offer)) else { return false }
        switch self.board.judge(LimitBoard.Holder(offer), limits, at: self.now) {
        case .admitted:
            self.held.admitted(LimitBoard.Holder(offer))
            // Others may have waited until this one was looked at.
            self.touch(limits.map(\.id))
            return true
        case .held(let limit, let until):
            // Whoever comes next in the line where it waited before may take its place.
            if let before = self.held.hold(offer, for: limit) { self.touch([before]) }
            if let until { self.due[limit] = min(self.due[limit] ?? until, until) }
            return false
        }
    }

    /// An offer that was admitted was not granted.
    mutating func refund(_ offer: WorkOffer) {
        guard offer.limits != nil else { return }
        self.touch(self.board.refund(LimitBoard.Holder(offer), at: self.now))
    }

    /// A shard is not ours any more.
    mutating func dropLimits(of shard: ShardID) {
        guard self.usesLimits else { return }
        self.touch(self.board.drop(shard, at: self.now))
        self.held.drop { $0.shard == shard }
    }

    private mutating func end(_ holder: LimitBoard.Holder, _ outcome: Breaker.Outcome) {
        self.touch(self.board.end(holder, outcome, at: self.now))
    }

    private mutating func touch(_ limits: [LimitID]) {
        for limit in limits where !self.touched.contains(limit) { self.touched.append(limit) }
    }

    /// Lets work go on whose limits may allow it now, then asks to be woken when time alone allows more.
    mutating func settle(effects: inout [Effect]) {
        while let limit = self.touched.popLast() {
            for capability in self.held.capabilities(waitingFor: limit) {
                guard let first = self.held.first(limit, capability) else { continue }
                let room = self.board.room(for: first, at: self.now)
                let offers = self.held.release(limit, capability, room: room)
                if !offers.isEmpty {
                    self.requeue(offers)
                    self.match(capability, effects: &effects)
                } else if room <= 0, let until = self.board.opens(first, at: self.now) {
                    self.due[limit] = min(self.due[limit] ?? until, until)
                }
            }
        }
        guard let next = self.due.values.min(), next < self.announced ?? .init(microseconds: .max) else { return }
        self.announced = next
        effects.append(.wake(at: next))
    }

    /// What the end of an attempt says about whom it called.
    private static func outcome(of result: AttemptReport.Result) -> Breaker.Outcome {
        switch result {
        case .completed: .succeeded
        case .failed(let failure, _):
            failure.isRetryable && !Failure.refusals.contains(failure.code) ? .failed : .cancelled
        case .stopped(let failure):
            failure.code == LossReason.timeout.failure?.code ? .failed : .cancelled
        case .released: .cancelled
        }
    }
}

/// What somebody does to a breaker by hand.
public enum BreakerForce: String, Hashable, Sendable, CaseIterable {
    /// Nothing goes through until it is released.
    case open
    /// Everything goes through until it is released.
    case closed
    /// It decides by itself again.
    case release
}
