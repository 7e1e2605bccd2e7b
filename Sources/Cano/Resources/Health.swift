// SPDX-License-Identifier: Apache-2.0 OR MIT

/// How well something does its work.
public enum Health: Hashable, Sendable {
    /// As it should.
    case healthy
    /// It works, but not as it should; the reason is for people.
    case degraded(String)
    /// It does not work; the reason is for people.
    case unhealthy(String)

    /// Why it is not healthy; `nil` when it is.
    public var reason: String? {
        switch self {
        case .healthy: nil
        case .degraded(let reason), .unhealthy(let reason): reason
        }
    }

    /// 0 for healthy, more for worse.
    var severity: Int {
        switch self {
        case .healthy: 0
        case .degraded: 1
        case .unhealthy: 2
        }
    }
}

/// The health of all resources of a process.
public struct HealthReport: Hashable, Sendable {
    /// One resource and its health.
    public struct Entry: Hashable, Sendable {
        /// The resource's name.
        public let resource: String
        /// Its health.
        public let health: Health
    }

    /// The resources, in the order in which they were set up.
    public let entries: [Entry]

    /// A report from its parts.
    public init(_ entries: [Entry]) {
        self.entries = entries
    }

    /// The worst of all, with the names of those that are as bad; healthy when there are none.
    public var overall: Health {
        let worst = self.entries.map(\.health.severity).max() ?? 0
        let culprits = self.entries.filter { $0.health.severity == worst }
            .map { "\($0.resource): \($0.health.reason ?? "")" }
            .joined(separator: "; ")
        switch worst {
        case 0: return .healthy
        case 1: return .degraded(culprits)
        default: return .unhealthy(culprits)
        }
    }
}
