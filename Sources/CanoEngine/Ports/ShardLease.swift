// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Who holds a shard, as the store has it.
public struct ShardLease: Hashable, Sendable {
    /// The shard.
    public var shard: ShardID
    /// How often it has changed hands.
    public var epoch: Epoch
    /// The holder; `nil` when nobody took it yet or it was released.
    public var holder: HostID?
    /// How long the holder's lease still lasts by the store's clock; zero when it has run out or nobody holds it.
    public var remaining: Span

    /// A lease from its parts.
    public init(shard: ShardID, epoch: Epoch, holder: HostID?, remaining: Span) {
        self.shard = shard
        self.epoch = epoch
        self.holder = holder
        self.remaining = remaining
    }
}

/// The wish to take a shard.
public struct ShardClaim: Hashable, Sendable {
    /// The shard.
    public var shard: ShardID
    /// The epoch that the claimant saw; the claim fails when it has changed since.
    public var seen: Epoch
    /// Who held it then, its lease run out or not; `nil` when it had been released, or nobody ever took it.
    ///
    /// Stores do not look at it.
    public var holder: HostID?

    /// A claim from its parts.
    public init(shard: ShardID, seen: Epoch, holder: HostID? = nil) {
        self.shard = shard
        self.seen = seen
        self.holder = holder
    }
}
