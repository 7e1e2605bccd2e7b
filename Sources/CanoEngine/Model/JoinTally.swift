// SPDX-License-Identifier: Apache-2.0 OR MIT

/// How many branches of a split have ended, and what a join makes of it.
public struct JoinTally: Hashable, Sendable {
    /// How many branches there are.
    public let branches: Int
    /// How many succeeded.
    public internal(set) var succeeded = 0
    /// How many failed for good.
    public internal(set) var failed = 0

    /// The tally before any branch has ended.
    public init(of branches: Int) {
        self.branches = branches
    }

    /// How many have neither succeeded nor failed.
    public var pending: Int { self.branches - self.succeeded - self.failed }

    /// One more branch succeeded.
    public mutating func succeed() { self.succeeded += 1 }

    /// One more branch failed for good.
    public mutating func fail() { self.failed += 1 }

    /// What the join says now; `nil` when the branches that still run decide.
    ///
    /// - Parameters:
    ///   - join: the rule.
    ///   - timeIsUp: whether ``JoinPolicy/within`` is over.
    ///   - failures: the first failures with their branches, for the message; asked only when the join failed.
    /// - Returns: the decision.
    public func decision(
        of join: JoinPolicy,
        timeIsUp: Bool,
        failures: () -> [(branch: Int, failure: Failure)]
    ) -> JoinDecision? {
        let required = join.required(of: self.branches)
        if required > self.branches { return .failed(self.impossible(required)) }
        let waitsForAll = if case .partial = join.rule { true } else { false }
        if self.succeeded >= required, !waitsForAll || self.pending == 0 || timeIsUp { return .satisfied }
        if self.succeeded + self.pending < required {
            return .failed(self.failure(code: "joinFailed", required: required, failures()))
        }
        return timeIsUp ? .failed(self.failure(code: "joinTimeout", required: required, failures())) : nil
    }

    /// How many failures a message shows.
    static let shownFailures = 3

    private func impossible(_ required: Int) -> Failure {
        let message =
            "the join needs \(required) branches to succeed, but the split made \(self.branches); lower the threshold"
        return Failure(code: "joinImpossible", message: message, isRetryable: false)
    }

    private func failure(code: String, required: Int, _ failures: [(branch: Int, failure: Failure)]) -> Failure {
        var message = "\(self.succeeded) of \(self.branches) branches succeeded, \(required) needed"
        if code == "joinTimeout" { message += " when the time was up" }
        let shown = failures.prefix(Self.shownFailures)
        for (branch, failure) in shown { message += "; branch \(branch): \(failure.message)" }
        if self.failed > shown.count { message += "; and \(self.failed - shown.count) more" }
        return Failure(code: code, message: message, isRetryable: false)
    }
}
