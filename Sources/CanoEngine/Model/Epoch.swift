// SPDX-License-Identifier: Apache-2.0 OR MIT

/// How often a shard has changed hands: the fence that every commit of its owner proves.
///
/// A store raises it whenever somebody takes the shard and refuses every commit that names another value.
public struct Epoch: RawRepresentable, Hashable, Comparable, Sendable, Codable {
    /// The number; 0 means that nobody has ever taken the shard.
    public let rawValue: Int64

    /// An epoch by its number.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// Whether the left one comes first.
    public static func < (left: Epoch, right: Epoch) -> Bool {
        left.rawValue < right.rawValue
    }
}
