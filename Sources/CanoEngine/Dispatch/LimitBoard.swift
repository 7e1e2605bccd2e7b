// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What the declared limits of all definitions allow now, and who counts against them.
///
/// Everything is counted by the limit's kind and name; each piece of work is held to the numbers that its own
/// definition declares, so that two versions of a workflow may differ and still share what they count.
struct LimitBoard: Sendable {
    /// An attempt that counts, or wants to.
    struct Holder: Hashable, Sendable {
        var key: WorkKey
        var attempt: Int

        init(_ offer: WorkOffer) {
            self.key = offer.key
            self.attempt = offer.attempt
        }

        init(_ lease: LeaseRef) {
            self.key = lease.key
            self.attempt = lease.attempt
        }
    }

    /// Whether work may begin.
    enum Verdict: Hashable, Sendable {
        /// Yes; it counts from now on.
        case admitted
        /// No: because of this limit, until this instant if nothing changes before; `nil` when nobody knows.
        case held(LimitID, until: Instant?)
    }

    private struct Claim: Sendable {
        var limits: [DeclaredLimit]
        var permits: [LimitID: Breaker.Permit]
        var takenAt: Instant
    }

    private var inUse: [String: Int] = [:]
    /// One window for each length that a definition declares; what begins counts in all windows of its name.
    private var windows: [String: [Span: SlidingWindow]] = [:]
    private var breakers: [String: Breaker] = [:]
    private var claims: [Holder: Claim] = [:]
    /// Until when leases that workers still hold may be offered: before, nobody knows how much is in use.
    private var listensUntil: Instant?

    /// Whether nothing counts now.
    var isIdle: Bool { self.claims.isEmpty }

    /// Whether this attempt counts already.
    func counts(_ holder: Holder) -> Bool { self.claims[holder] != nil }

    // MARK: Asking

    /// Decides whether work may begin now; if so, it counts.
    ///
    /// All limits must allow it; a refusal by one of them changes none of the others.
    mutating func judge(_ holder: Holder, _ limits: [DeclaredLimit], at now: Instant) -> Verdict {
        for limit in limits {
            if self.room(for: limit, at: now) <= 0 { return .held(limit.id, until: self.opens(limit, at: now)) }
        }
        var permits: [LimitID: Breaker.Permit] = [:]
        for limit in limits {
            guard case .breaker(let policy) = limit.rule else { continue }
            switch self.withBreaker(limit.name, policy, { $0.ask(at: now) }) {
            case .admitted(let permit): permits[limit.id] = permit
            case .refused(let until):
                for (id, permit) in permits { self.breakers[id.name]?.end(permit, .cancelled, at: now) }
                return .held(limit.id, until: until)
            }
        }
        for limit in limits {
            switch limit.rule {
            case .concurrency: self.inUse[limit.name, default: 0] += 1
            case .rate(_, let per): self.count(limit.name, per, at: now)
            case .breaker: break
            }
        }
        self.claims[holder] = Claim(limits: limits, permits: permits, takenAt: now)
        return .admitted
    }

    /// How many pieces of work a limit would let begin now.
    func room(for limit: DeclaredLimit, at now: Instant) -> Int {
        switch limit.rule {
        case .concurrency(let count):
            if let until = self.listensUntil, now < until { return 0 }
            return count - self.inUse[limit.name, default: 0]
        case .rate(let count, let per):
            return count - (self.windows[limit.name]?[per]?.used(at: now) ?? 0)
        case .breaker(let policy):
            guard let breaker = self.breakers[limit.name] else { return .max }
            switch breaker.state {
            case .closed, .forcedClosed: return .max
            case .forcedOpen: return 0
            // A clock that went back is the breaker's own matter: it is asked.
            case .open(let since, let until): return now >= until || now < since ? policy.probes : 0
            case .halfOpen(let probing, _): return policy.probes - probing
            }
        }
    }

    /// When a limit that allows nothing now will allow something by itself; `nil` when only an end of other work can
    /// tell.
    func opens(_ limit: DeclaredLimit, at now: Instant) -> Instant? {
        switch limit.rule {
        case .concurrency:
            guard let until = self.listensUntil, now < until else { return nil }
            return until
        case .rate(let count, let per):
            guard var window = self.windows[limit.name]?[per] else { return now }
            window.adjust(count, per: per)
            return window.ready(for: 1, at: now)
        case .breaker:
            guard case .open(_, let until) = self.breakers[limit.name]?.state else { return nil }
            return until
        }
    }

    // MARK: Ends

    /// Work that counted has ended; returns the limits that may allow more now.
    mutating func end(_ holder: Holder, _ outcome: Breaker.Outcome, at now: Instant) -> [LimitID] {
        guard let claim = self.claims.removeValue(forKey: holder) else { return [] }
        for limit in claim.limits {
            switch limit.rule {
            case .concurrency: self.free(limit.name)
            case .rate: break
            case .breaker(let policy):
                guard let permit = claim.permits[limit.id] else { continue }
                self.withBreaker(limit.name, policy) { $0.end(permit, outcome, at: now) }
            }
        }
        return claim.limits.map(\.id)
    }

    /// Work that was admitted never began; returns the limits that may allow more now.
    mutating func refund(_ holder: Holder, at now: Instant) -> [LimitID] {
        guard let claim = self.claims[holder] else { return [] }
        for limit in claim.limits {
            guard case .rate = limit.rule, let lengths = self.windows[limit.name]?.keys else { continue }
            for per in lengths { self.windows[limit.name]?[per]?.refund(1, takenAt: claim.takenAt) }
        }
        return self.end(holder, .cancelled, at: now)
    }

    /// A lease that an earlier owner granted counts here from now on.
    mutating func adopt(_ holder: Holder, _ limits: [DeclaredLimit], since: Instant, at now: Instant) {
        guard self.claims[holder] == nil else { return }
        for limit in limits {
            switch limit.rule {
            case .concurrency: self.inUse[limit.name, default: 0] += 1
            case .rate(_, let per):
                guard since.advanced(by: per) > now else { continue }
                self.count(limit.name, per, at: now)
            case .breaker: break
            }
        }
        self.claims[holder] = Claim(limits: limits, permits: [:], takenAt: now)
    }

    /// A shard is not ours any more: what it has out counts elsewhere.
    mutating func drop(_ shard: ShardID, at now: Instant) -> [LimitID] {
        var freed: Set<LimitID> = []
        for holder in self.claims.keys where holder.key.run.shard == shard {
            freed.formUnion(self.end(holder, .cancelled, at: now))
        }
        return freed.sorted { ($0.kind.rawValue, $0.name) < ($1.kind.rawValue, $1.name) }
    }

    /// Leases of an earlier owner may be offered until then.
    mutating func listen(until instant: Instant) {
        self.listensUntil = max(self.listensUntil ?? instant, instant)
    }

    // MARK: By hand

    /// Changes a breaker by hand; false when no work has ever declared it here.
    mutating func change(breaker name: String, _ body: (inout Breaker) -> Void) -> Bool {
        guard var breaker = self.breakers[name] else { return false }
        body(&breaker)
        self.breakers[name] = breaker
        return true
    }

    // MARK: Access in place

    private mutating func free(_ name: String) {
        let count = self.inUse[name, default: 0]
        invariant(count > 0, "the concurrency limit '\(name)' got back more than it gave")
        self.inUse[name] = count > 1 ? count - 1 : nil
    }

    @discardableResult
    private mutating func withBreaker<Result>(
        _ name: String,
        _ policy: BreakerPolicy,
        _ body: (inout Breaker) -> Result
    ) -> Result {
        var breaker = self.breakers[name] ?? Breaker(policy: policy)
        breaker.policy = policy
        let result = body(&breaker)
        self.breakers[name] = breaker
        return result
    }

    private mutating func count(_ name: String, _ per: Span, at now: Instant) {
        if self.windows[name]?[per] == nil {
            var window = SlidingWindow.empty
            window.adjust(.max, per: per)
            self.windows[name, default: [:]][per] = window
        }
        guard let lengths = self.windows[name]?.keys else { return }
        for length in lengths { self.windows[name]?[length]?.note(at: now) }
    }
}
