// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What a worker must have to do a piece of work.
public enum Capability: Hashable, Sendable {
    /// The code of the definition with this digest.
    case compiled(digest: String)
    /// A built-in handler of this name.
    case handler(String)
}
