// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What a definition says about the pressure that its work may put on something outside.
///
/// Work that declares limits is granted only when all of them allow it; until then the run waits and says for what. A
/// limit is known by its kind and its name: everything that declares the same one shares it, whatever the workflow.
public struct DeclaredLimit: Hashable, Sendable, Codable {
    /// The kinds of limits.
    public enum Rule: Hashable, Sendable, Codable {
        /// So many attempts at once.
        case concurrency(Int)
        /// So many attempts begun in any window of this length.
        case rate(Int, per: Span)
        /// None while recent attempts failed.
        case breaker(BreakerPolicy)
    }

    /// Its name, shared by all work that is to be counted together.
    public var name: String
    /// What it allows.
    public var rule: Rule

    /// A limit from its parts.
    public init(_ name: String, _ rule: Rule) {
        self.name = name
        self.rule = rule
    }

    /// What it is known by.
    public var id: LimitID {
        let kind: LimitID.Kind =
            switch self.rule {
            case .concurrency: .concurrency
            case .rate: .rate
            case .breaker: .breaker
            }
        return LimitID(kind: kind, name: self.name)
    }
}

/// A declared limit by its kind and name.
public struct LimitID: Hashable, Sendable {
    /// The kinds of limits.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// So many at once.
        case concurrency
        /// So many in a window of time.
        case rate
        /// None while recent ones failed.
        case breaker
    }

    /// What kind it is.
    public var kind: Kind
    /// Its name.
    public var name: String

    /// A limit by its parts.
    public init(kind: Kind, name: String) {
        self.kind = kind
        self.name = name
    }
}

extension LimitID: CustomStringConvertible {
    /// The form that people read: `rate 'github'`.
    public var description: String { "\(self.kind.rawValue) '\(self.name)'" }
}

extension DeclaredLimit {
    /// What is wrong with it, each with its remedy; the name is not looked at.
    package var problems: [String] {
        switch self.rule {
        case .concurrency(let count):
            count < 1 ? ["it allows \(count) at once: use 1 or more"] : []
        case .rate(let count, let per):
            (count < 1 ? ["it allows \(count) in its time: use 1 or more"] : [])
                + (per.milliseconds < 1 ? ["its time is zero: use a millisecond or more"] : [])
        case .breaker(let policy):
            policy.problems
        }
    }
}
