// SPDX-License-Identifier: Apache-2.0 OR MIT

/// One of the parts that all runs are divided into; the unit of ownership, batching and failover.
public struct ShardID: RawRepresentable, Hashable, Comparable, Sendable, Codable {
    /// How many shards there are; fixed when a database is created.
    public static let count = 64

    /// All shards, in order.
    public static var all: [ShardID] { (0..<UInt8(Self.count)).map(ShardID.init(rawValue:)) }

    /// The shard's number, below ``count`` for every shard that a store knows.
    public let rawValue: UInt8

    /// A shard by its number.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Whether the left one comes first.
    public static func < (left: ShardID, right: ShardID) -> Bool {
        left.rawValue < right.rawValue
    }
}
