// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A circuit breaker as a value: who may call, and what the calls' ends change.
///
/// Pure and total: time comes in as an argument. An end counts only under the epoch in which the call was let through,
/// so a late result of an earlier epoch changes nothing. A call that was cancelled is no failure.
public struct Breaker: Hashable, Sendable {
    /// What the breaker does with calls.
    public enum State: Hashable, Sendable {
        /// Calls go through. Next: open, forced.
        case closed(failures: Int)
        /// Calls are refused. Next: half open, with the first call that asks at `until` or later; forced.
        case open(since: Instant, until: Instant)
        /// A few calls probe. Next: closed, open, forced.
        case halfOpen(probing: Int, succeeded: Int)
        /// Calls are refused until somebody releases it. Next: closed.
        case forcedOpen
        /// Calls go through whatever comes of them, until somebody releases it. Next: closed.
        case forcedClosed
    }

    /// The right to make one call.
    public struct Permit: Hashable, Sendable {
        /// The epoch in which it was given.
        public let epoch: Int

        package init(epoch: Int) { self.epoch = epoch }
    }

    /// The answer to a call that asks.
    public enum Answer: Hashable, Sendable {
        /// Call, and say how it ended.
        case admitted(Permit)
        /// Do not call; `until` is when asking again makes sense, `nil` when nobody knows.
        case refused(until: Instant?)
    }

    /// How a call ended.
    public enum Outcome: Hashable, Sendable {
        /// It worked.
        case succeeded
        /// It failed in a way that says something about whom it called.
        case failed
        /// It was stopped, or never began: it says nothing.
        case cancelled
    }

    /// When it opens and closes.
    public var policy: BreakerPolicy
    /// What it does with calls.
    public private(set) var state = State.closed(failures: 0)
    /// How often the state has changed.
    public private(set) var epoch = 1
    private var window = FailureWindow()

    /// A closed breaker.
    public init(policy: BreakerPolicy) {
        self.policy = policy
    }

    /// Whether a success would change nothing: it is closed, no failure is counted, and no share is kept.
    package var isCalm: Bool { self.state == .closed(failures: 0) && self.policy.failureRate == nil }

    /// Somebody wants to call.
    public mutating func ask(at now: Instant) -> Answer {
        switch self.state {
        case .closed, .forcedClosed:
            return .admitted(Permit(epoch: self.epoch))
        case .forcedOpen:
            return .refused(until: nil)
        case .open(let since, let until):
            if now < since {
                // The clock went back: the time it stays open begins anew instead of lasting for ever.
                let later = now.advanced(by: self.policy.openTime)
                self.state = .open(since: now, until: later)
                return .refused(until: later)
            }
            guard now >= until else { return .refused(until: until) }
            self.change(to: .halfOpen(probing: 1, succeeded: 0))
            return .admitted(Permit(epoch: self.epoch))
        case .halfOpen(let probing, let succeeded):
            guard probing < self.policy.probes else { return .refused(until: nil) }
            self.state = .halfOpen(probing: probing + 1, succeeded: succeeded)
            return .admitted(Permit(epoch: self.epoch))
        }
    }

    /// A call ended.
    public mutating func end(_ permit: Permit, _ outcome: Outcome, at now: Instant) {
        guard permit.epoch == self.epoch else { return }
        switch (self.state, outcome) {
        case (.closed, .succeeded):
            self.note(isFailure: false, at: now)
            self.state = .closed(failures: 0)
            self.openIfShareIsReached(at: now)
        case (.closed(let failures), .failed):
            self.note(isFailure: true, at: now)
            self.state = .closed(failures: failures + 1)
            if let limit = self.policy.consecutiveFailures, failures + 1 >= limit {
                self.open(at: now)
            } else {
                self.openIfShareIsReached(at: now)
            }
        case (.halfOpen(let probing, let succeeded), .succeeded):
            if succeeded + 1 >= self.policy.closingSuccesses {
                self.change(to: .closed(failures: 0))
            } else {
                self.state = .halfOpen(probing: max(0, probing - 1), succeeded: succeeded + 1)
            }
        case (.halfOpen, .failed):
            self.open(at: now)
        case (.halfOpen(let probing, let succeeded), .cancelled):
            self.state = .halfOpen(probing: max(0, probing - 1), succeeded: succeeded)
        case (.closed, .cancelled), (.open, _), (.forcedOpen, _), (.forcedClosed, _):
            break
        }
    }

    /// Somebody opens it by hand: nothing goes through until ``release()``.
    public mutating func forceOpen() {
        if self.state != .forcedOpen { self.change(to: .forcedOpen) }
    }

    /// Somebody closes it by hand: everything goes through until ``release()``.
    public mutating func forceClosed() {
        if self.state != .forcedClosed { self.change(to: .forcedClosed) }
    }

    /// It decides by itself again, as a closed one that has seen nothing; does nothing when it was not forced.
    public mutating func release() {
        switch self.state {
        case .forcedOpen, .forcedClosed: self.change(to: .closed(failures: 0))
        case .closed, .open, .halfOpen: break
        }
    }

    private mutating func open(at now: Instant) {
        self.change(to: .open(since: now, until: now.advanced(by: self.policy.openTime)))
    }

    private mutating func change(to state: State) {
        self.state = state
        self.epoch += 1
        self.window = FailureWindow()
    }

    private mutating func note(isFailure: Bool, at now: Instant) {
        guard let rate = self.policy.failureRate else { return }
        self.window.note(isFailure: isFailure, at: now, window: rate.window)
    }

    private mutating func openIfShareIsReached(at now: Instant) {
        guard let rate = self.policy.failureRate else { return }
        let (calls, failures) = self.window.counts(at: now, window: rate.window)
        guard calls >= rate.minimumCalls, Double(failures) * 100 >= rate.percent * Double(calls), failures > 0 else {
            return
        }
        self.open(at: now)
    }
}
