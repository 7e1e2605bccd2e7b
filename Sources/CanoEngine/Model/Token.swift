// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The fence of one lease: raised at every grant, compared with every frame about that lease.
///
/// Tokens of one shard only grow, also across owners, because the epoch comes first.
public struct Token: Hashable, Comparable, Sendable, Codable {
    /// The epoch of the owner that granted the lease.
    public let epoch: Epoch
    /// The grant's number within that epoch, from 1.
    public let counter: Int64

    /// A token from its two parts.
    public init(epoch: Epoch, counter: Int64) {
        self.epoch = epoch
        self.counter = counter
    }

    /// Whether the left one comes first.
    public static func < (left: Token, right: Token) -> Bool {
        (left.epoch, left.counter) < (right.epoch, right.counter)
    }
}

extension Token: CustomStringConvertible {
    /// The form that logs and views show: epoch and counter with a point between.
    public var description: String { "\(self.epoch.rawValue).\(self.counter)" }
}
