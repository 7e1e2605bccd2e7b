// SPDX-License-Identifier: Apache-2.0 OR MIT

/// How many branches of a split must succeed: a number, or a share of all.
public struct Quorum: Hashable, Sendable, ExpressibleByIntegerLiteral {
    let rule: JoinPolicy.Rule

    /// So many branches.
    ///
    /// - Parameter count: how many, from 1.
    /// - Returns: the quorum.
    public static func count(_ count: Int) -> Quorum { Quorum(rule: .quorum(count: count)) }

    /// So many percent of the branches, rounded up.
    ///
    /// - Parameter percent: the share, above 0 and up to 100.
    /// - Returns: the quorum.
    public static func percent(_ percent: Double) -> Quorum { Quorum(rule: .quorumPercent(percent)) }

    private init(rule: JoinPolicy.Rule) {
        self.rule = rule
    }

    /// So many branches.
    public init(integerLiteral value: Int) {
        self.init(rule: .quorum(count: value))
    }
}

extension JoinPolicy {
    /// Every branch succeeds, before the time is up.
    ///
    /// - Parameter time: how long the branches may take together.
    /// - Returns: the policy.
    public static func all(within time: Duration) -> JoinPolicy {
        JoinPolicy(.all, within: Span(time))
    }

    /// One branch succeeds, before the time is up.
    ///
    /// - Parameter time: how long the branches may take together.
    /// - Returns: the policy.
    public static func any(within time: Duration) -> JoinPolicy {
        JoinPolicy(.any, within: Span(time))
    }

    /// So many branches succeed; the others are stopped then.
    ///
    /// - Parameters:
    ///   - quorum: how many: `.quorum(3)`, `.quorum(.percent(80))`.
    ///   - time: how long the branches may take together; `nil` for no bound.
    /// - Returns: the policy.
    public static func quorum(_ quorum: Quorum, within time: Duration? = nil) -> JoinPolicy {
        JoinPolicy(quorum.rule, within: time.map(Span.init))
    }

    /// Every branch has ended, or the time is up; then so many have succeeded.
    ///
    /// - Parameters:
    ///   - count: how many successes are enough; 0 accepts whatever there is.
    ///   - time: how long the branches may take together; `nil` for no bound.
    /// - Returns: the policy.
    public static func partial(atLeast count: Int, within time: Duration? = nil) -> JoinPolicy {
        JoinPolicy(.partial(atLeast: count), within: time.map(Span.init))
    }
}
