// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What ``RunStore/keepUp(retention:)`` did.
public struct Upkeep: Hashable, Sendable {
    /// How many runs were forgotten.
    public var forgotten: Int
    /// How many unfinished runs were moved out of the way of what was dropped.
    public var moved: Int

    /// A report from its parts.
    public init(forgotten: Int = 0, moved: Int = 0) {
        self.forgotten = forgotten
        self.moved = moved
    }
}
