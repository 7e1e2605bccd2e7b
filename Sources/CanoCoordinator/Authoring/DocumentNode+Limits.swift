// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Yams

extension DocumentNode {
    /// More of anything than a limit can mean.
    private static let largestCount = 1_000_000_000

    /// `[{ concurrency: db, max: 10 }, { rate: github, max: 50, per: 60s }, { breaker: payments, failures: 5 }]`, or
    /// one of them alone.
    func declaredLimits() throws(CanoError) -> [DeclaredLimit]? {
        var limits: [DeclaredLimit] = []
        for node in try self.isMapping ? [self] : self.list() { limits.append(try node.declaredLimit()) }
        return limits.isEmpty ? nil : limits
    }

    private func declaredLimit() throws(CanoError) -> DeclaredLimit {
        let keys = self.keys
        let found = LimitID.Kind.allCases.filter { keys.contains($0.rawValue) }
        guard self.isMapping, found.count == 1, let kind = found.first else {
            throw self.problem("\(self.name) must have one of concurrency, rate and breaker, with the limit's name")
        }
        switch kind {
        case .concurrency:
            let mapping = try DocumentMapping(self, owner: self.name, allowed: ["concurrency", "max"])
            let count = try mapping.required("max", for: self.name).integer(1...Self.largestCount)
            return DeclaredLimit(try mapping.required("concurrency", for: self.name).text(), .concurrency(count))
        case .rate:
            let mapping = try DocumentMapping(self, owner: self.name, allowed: ["rate", "max", "per"])
            let count = try mapping.required("max", for: self.name).integer(1...Self.largestCount)
            let per = try mapping.required("per", for: self.name).span()
            return DeclaredLimit(try mapping.required("rate", for: self.name).text(), .rate(count, per: per))
        case .breaker:
            return try self.breakerLimit()
        }
    }

    private func breakerLimit() throws(CanoError) -> DeclaredLimit {
        let keys = ["breaker", "failures", "percent", "calls", "window", "open", "probes", "successes"]
        let mapping = try DocumentMapping(self, owner: self.name, allowed: keys)
        var policy = BreakerPolicy()
        if let percent = mapping["percent"] {
            var rate = BreakerPolicy.FailureRate(percent: try percent.number(0...100))
            if let node = mapping["calls"] { rate.minimumCalls = try node.integer(1...Self.largestCount) }
            if let node = mapping["window"] { rate.window = try node.span() }
            policy.failureRate = rate
            policy.consecutiveFailures = nil
        } else if let node = mapping["calls"] ?? mapping["window"] {
            throw node.problem("\(node.name) needs 'percent', the share of failures that opens the breaker")
        }
        if let node = mapping["failures"] { policy.consecutiveFailures = try node.integer(1...Self.largestCount) }
        if let node = mapping["open"] { policy.openTime = try node.span() }
        if let node = mapping["probes"] { policy.probes = try node.integer(1...Self.largestCount) }
        if let node = mapping["successes"] { policy.closingSuccesses = try node.integer(1...Self.largestCount) }
        return DeclaredLimit(try mapping.required("breaker", for: self.name).text(), .breaker(policy))
    }
}
