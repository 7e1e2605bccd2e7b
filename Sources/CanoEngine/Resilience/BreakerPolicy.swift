// SPDX-License-Identifier: Apache-2.0 OR MIT

/// When a circuit breaker opens, and how it finds out that it may close again.
public struct BreakerPolicy: Hashable, Sendable, Codable {
    /// Opens the breaker by the share of failures among recent calls.
    public struct FailureRate: Hashable, Sendable, Codable {
        /// The share of failures at which it opens, above 0 and up to 100.
        public var percent: Double
        /// How many calls there must have been in the window before the share counts.
        public var minimumCalls: Int
        /// How far back calls count; they are forgotten in tenths of it.
        public var window: Span

        /// A rate from its parts.
        public init(percent: Double, minimumCalls: Int = 20, window: Span = .seconds(30)) {
            self.percent = percent
            self.minimumCalls = minimumCalls
            self.window = window
        }
    }

    /// Failures in a row that open it; `nil` when they do not (default: 5).
    public var consecutiveFailures: Int? = 5
    /// The share of failures that opens it; `nil` when it does not (the default).
    public var failureRate: FailureRate?
    /// How long it stays open before it lets a call through to probe (default: 30 s).
    public var openTime = Span.seconds(30)
    /// How many calls may probe at once while it is half open (default: 1).
    public var probes = 1
    /// How many probes must succeed before it closes (default: 1).
    public var closingSuccesses = 1

    /// The defaults.
    public init() {}

    /// The defaults, adjusted.
    public init(_ adjust: (inout Self) -> Void) {
        self.init()
        adjust(&self)
    }

    /// What is wrong with the policy, each with its remedy; empty when nothing is.
    public var problems: [String] {
        var problems: [String] = []
        if self.consecutiveFailures == nil, self.failureRate == nil {
            problems.append("nothing opens it: give failures in a row or a share of failures")
        }
        if let count = self.consecutiveFailures, count < 1 {
            problems.append("it opens after \(count) failures: use 1 or more")
        }
        if let rate = self.failureRate {
            if !(rate.percent > 0 && rate.percent <= 100) {
                problems.append("it opens at \(rate.percent) % of failures: use a share above 0 and up to 100")
            }
            if rate.minimumCalls < 1 {
                problems.append("its share counts from \(rate.minimumCalls) calls: use 1 or more")
            }
            if rate.window.milliseconds < 10 { problems.append("its window is shorter than 10 ms: make it longer") }
        }
        if self.openTime.milliseconds == 0 { problems.append("it stays open for no time: use a millisecond or more") }
        if self.probes < 1 { problems.append("it lets \(self.probes) calls probe: use 1 or more") }
        if self.closingSuccesses < 1 {
            problems.append("it closes after \(self.closingSuccesses) successes: use 1 or more")
        }
        return problems
    }
}
