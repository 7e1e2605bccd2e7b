// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The identity of one worker process, chosen when it starts and kept across its reconnects.
public struct WorkerID: RawRepresentable, Hashable, Sendable, Codable {
    /// The identity as people see it in a timeline, up to 128 characters, such as `worker-2-4711`.
    public let rawValue: String

    /// A worker by its identity.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }
}
