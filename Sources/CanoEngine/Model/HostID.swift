// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The identity of one process that owns shards: made at random when it starts, never a host name.
///
/// Two processes can therefore never be taken for each other, whatever their machines are called.
public struct HostID: RawRepresentable, Hashable, Sendable, Codable {
    /// The identity as text, up to 128 characters.
    public let rawValue: String

    /// A host by its identity.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }
}
