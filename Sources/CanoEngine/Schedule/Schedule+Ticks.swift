// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Which ticks are due, and which of them are missed.
extension Schedule {
    /// When a tick is due: its nominal time, put off by a jitter that never reaches the next tick.
    func due(_ nominal: Instant) -> Instant {
        guard self.settings.jitter.milliseconds > 0 else { return nominal }
        var bound = self.settings.jitter.milliseconds
        if let next = self.settings.spec.next(after: nominal) { bound = min(bound, next.milliseconds(since: nominal)) }
        guard bound > 0 else { return nominal }
        let number = self.draw(UInt64(bitPattern: nominal.microseconds))
        return nominal.advanced(by: Span(milliseconds: Int64(number % UInt64(bound))))
    }

    /// A number that depends on the schedule's name and `salt` alone.
    func draw(_ salt: UInt64) -> UInt64 {
        // FNV-1a, as its authors published it.
        let hash = self.name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
        var random = SplitMix64(seed: hash ^ salt)
        return random.next()
    }

    /// Decides every tick that is due.
    mutating func decideDue(at now: Instant, into effects: inout [Effect]) {
        guard !self.isHeld else { return }
        for _ in 0..<Self.decidedAtOnce {
            guard let next = self.next, self.due(next) <= now else { return }
            guard now <= self.due(next).advanced(by: Self.grace) else { return self.catchUp(at: now, into: &effects) }
            self.decide(next, isCatchUp: false, at: now, into: &effects)
            // Failures that a full call causes may hold the rest back.
            guard !self.isHeld else { return }
        }
    }

    /// Covers everything that is due and late by one policy.
    private mutating func catchUp(at now: Instant, into effects: inout [Effect]) {
        guard let first = self.next, let last = self.lastDue(at: now), last >= first else { return }
        let window = max(self.settings.catchUpWindow, .seconds(10))
        let reach = min(window.milliseconds, 31_557_600_000_000) * 1000  // a thousand years
        let opens = max(first, Instant(microseconds: now.microseconds - reach))
        let chosen = self.chosen(from: opens, through: last)
        let rest: TickOutcome = chosen.isEmpty ? .notCaughtUp : .superseded
        self.cover(from: first, before: opens, .outsideWindow, at: now, into: &effects)
        let behind = last.successor
        if let begin = self.settings.spec.next(after: opens.predecessor) {
            self.cover(from: begin, before: chosen.first ?? behind, rest, at: now, into: &effects)
        }
        for nominal in chosen { self.decide(nominal, isCatchUp: true, at: now, into: &effects) }
        self.state.decidedThrough = max(last, self.state.decidedThrough)
        self.findNext()
    }

    /// The missed ticks that run.
    private func chosen(from opens: Instant, through last: Instant) -> [Instant] {
        let room = self.settings.maximumFires.map { $0 - self.state.fires } ?? .max
        let count: Int
        switch self.settings.catchUp {
        case .none: return []
        case .latest: count = 1
        case .all(let max): count = max
        }
        var chosen: [Instant] = []
        var cursor: Instant? = last
        while let nominal = cursor, nominal >= opens, chosen.count < min(count, room) {
            chosen.append(nominal)
            cursor = self.settings.spec.previous(before: nominal)
        }
        return chosen.reversed()
    }

    /// The newest tick that is due.
    private func lastDue(at now: Instant) -> Instant? {
        let newest = self.settings.spec.previous(before: now.successor)
        // The jitter of a tick never reaches the next one, so only the newest can be early.
        guard let newest, self.due(newest) > now else { return newest }
        return self.settings.spec.previous(before: newest)
    }

    /// One row for all ticks from `first` on that come before `end`.
    private mutating func cover(
        from first: Instant,
        before end: Instant,
        _ outcome: TickOutcome,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard first < end, let last = self.settings.spec.previous(before: end), last >= first else { return }
        self.note(self.row(outcome, from: first, through: last, at: now), into: &effects)
    }

    /// Lets ticks go on that were held back.
    mutating func release(
        catchingUp: Bool,
        as outcome: TickOutcome,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard self.state.pause == nil, self.state.trip == nil else { return }
        if !catchingUp, let first = self.next, let last = self.lastDue(at: now), last >= first {
            self.note(self.row(outcome, from: first, through: last, at: now), into: &effects)
            self.state.decidedThrough = last
            self.findNext()
        }
        self.decideDue(at: now, into: &effects)
    }

    private mutating func decide(
        _ nominal: Instant,
        isCatchUp: Bool,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let tick = Tick(
            id: .scheduled(nominal),
            previousNominal: self.settings.spec.previous(before: nominal),
            dueAt: self.due(nominal),
            isCatchUp: isCatchUp
        )
        self.state.decidedThrough = nominal
        let outcome: TickOutcome
        if let until = self.state.backoffUntil, now < until {
            outcome = .backingOff
        } else {
            outcome = self.admit(tick, isForced: false, at: now, into: &effects)
        }
        self.note(self.row(outcome, from: nominal, through: nominal, at: now), into: &effects)
        self.findNext()
    }

    /// Adds a row, and counts it.
    mutating func note(_ row: TickRow, into effects: inout [Effect]) {
        self.state.counts[row.outcome.rawValue, default: 0] += row.count
        effects.append(.record(row))
    }
}
