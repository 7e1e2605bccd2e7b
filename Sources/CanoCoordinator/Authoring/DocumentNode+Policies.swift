// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Yams

extension DocumentNode {
    /// `{ attempts: 3, delay: 200ms, multiplier: 2, max: 30s, jitter: 0.1, within: 10m, on: { busy: 50 } }`, or the
    /// attempts alone.
    func retryPolicy() throws(CanoError) -> RetryPolicy {
        var policy = RetryPolicy()
        if case .scalar = self.node {
            policy.maximumAttempts = try self.integer(1...self.limits.attempts)
            return policy
        }
        let keys = ["attempts", "delay", "multiplier", "max", "jitter", "within", "on"]
        let mapping = try DocumentMapping(self, owner: self.name, allowed: keys)
        if let node = mapping["attempts"] { policy.maximumAttempts = try node.integer(1...self.limits.attempts) }
        if let node = mapping["delay"] { policy.initialDelay = try node.span() }
        if let node = mapping["multiplier"] { policy.multiplier = try node.number(1...RetryPolicy.steepest) }
        if let node = mapping["max"] { policy.maximumDelay = try node.span() }
        if let node = mapping["jitter"] { policy.jitter = try node.number(0...1) }
        policy.maximumElapsed = try mapping["within"]?.span()
        for (code, node) in try mapping["on"]?.pairs() ?? [] { policy.overrides[code] = try node.retryPolicy() }
        return policy
    }

    /// `all`, `any`, or a mapping with one of `all`, `any`, `quorum` and `partial`, and `within`.
    func joinPolicy() throws(CanoError) -> JoinPolicy {
        if case .scalar = self.node {
            return try self.word(of: [
                "all": JoinPolicy.all, "any": .any, "{ quorum: 80% }": .all, "{ partial: 3, within: 60s }": .all,
            ])
        }
        let mapping = try DocumentMapping(
            self,
            owner: self.name,
            allowed: ["all", "any", "quorum", "partial", "within"]
        )
        let within = try mapping["within"]?.span()
        let given = ["all", "any", "quorum", "partial"].compactMap { key in mapping[key].map { (key, $0) } }
        guard given.count == 1, let (rule, value) = given.first else {
            throw self.problem("\(self.name) needs one of all, any, quorum and partial")
        }
        switch rule {
        case "all", "any":
            guard try value.flag() else { throw value.problem("\(value.name) must be true") }
            return JoinPolicy(rule == "all" ? .all : .any, within: within)
        case "quorum":
            return JoinPolicy(try value.quorum(), within: within)
        default:
            guard within != nil else {
                throw self.problem("\(self.name) with 'partial' needs 'within', the time after which it counts")
            }
            return JoinPolicy(.partial(atLeast: try value.integer(0...self.limits.branches)), within: within)
        }
    }

    /// A number of branches, or a part of them such as `80%`.
    private func quorum() throws(CanoError) -> JoinPolicy.Rule {
        let text = try self.text()
        if Int(text) != nil { return .quorum(count: try self.integer(1...self.limits.branches)) }
        guard text.hasSuffix("%"), let percent = Double(text.dropLast()), percent > 0, percent <= 100 else {
            throw self.problem("\(self.name) must be a number of branches or a part such as 80%, not \(self.kind)")
        }
        return .quorumPercent(percent)
    }

    func outputFormat() throws(CanoError) -> OutputFormat {
        try self.word(of: ["json": .json, "text": .text, "lines": .lines, "none": .none])
    }

    /// The members of a mapping with any keys.
    func pairs() throws(CanoError) -> [(key: String, value: DocumentNode)] {
        guard case .mapping(let mapping) = self.node else {
            throw self.problem("\(self.name) must be a mapping, not \(self.kind)")
        }
        var pairs: [(key: String, value: DocumentNode)] = []
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else {
                throw Self.problem("a key of \(self.name) must be a text", at: key.mark)
            }
            pairs.append((scalar.string, self.inner(value, "'\(scalar.string)' of \(self.name)")))
        }
        return pairs
    }
}
