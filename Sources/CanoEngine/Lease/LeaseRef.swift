// SPDX-License-Identifier: Apache-2.0 OR MIT

/// One lease: a piece of work, which attempt it is, and the token that fences it.
public struct LeaseRef: Hashable, Sendable {
    /// The work.
    public var key: WorkKey
    /// The attempt's number, from 1.
    public var attempt: Int
    /// The fence.
    public var token: Token

    /// A reference from its parts.
    public init(key: WorkKey, attempt: Int, token: Token) {
        self.key = key
        self.attempt = attempt
        self.token = token
    }

    /// Feeds the hasher with what tells leases apart: under one epoch no two have the same counter.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.key.run)
        hasher.combine(self.token.counter)
    }

    /// The shard that decides about it.
    public var shard: ShardID { self.key.run.shard }
}
