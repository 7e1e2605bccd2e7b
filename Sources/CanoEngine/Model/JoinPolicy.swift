// SPDX-License-Identifier: Apache-2.0 OR MIT

/// When the branches of a split have done enough for the run to go on.
///
/// The answer is given as soon as it is known either way: branches that cannot change it any more are stopped.
public struct JoinPolicy: Hashable, Sendable, Codable {
    /// The rule that counts the branches.
    public enum Rule: Hashable, Sendable, Codable {
        /// Every branch succeeds. No branches at all satisfy it.
        case all
        /// One branch succeeds.
        case any
        /// So many branches succeed.
        case quorum(count: Int)
        /// So many percent of the branches, rounded up, succeed; above 0, at most 100.
        case quorumPercent(Double)
        /// Every branch has ended, or the time is up; then so many of them have succeeded.
        case partial(atLeast: Int)
    }

    /// The rule that counts the branches.
    public var rule: Rule
    /// How long the branches may take together, counted from the end of the expansion; `nil` for no bound.
    public var within: Span?

    /// A policy from its parts.
    public init(_ rule: Rule, within: Span? = nil) {
        self.rule = rule
        self.within = within
    }

    /// Every branch succeeds.
    public static let all = JoinPolicy(.all)
    /// One branch succeeds.
    public static let any = JoinPolicy(.any)

    /// How many successes satisfy the rule when there are so many branches.
    public func required(of branches: Int) -> Int {
        switch self.rule {
        case .all: return branches
        case .any: return 1
        case .quorum(let count): return count
        case .partial(let count): return count
        case .quorumPercent(let percent):
            // 80 % of 10 is 8, not 9: the small allowance keeps binary fractions from rounding a whole number up.
            let exact = Double(branches) * percent / 100
            return Int((exact - 1e-9).rounded(.up))
        }
    }
}
