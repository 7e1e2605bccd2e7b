// SPDX-License-Identifier: Apache-2.0 OR MIT

/// How a store uses its database.
public struct PostgresOptions: Hashable, Sendable {
    /// Connections in total (default: 8).
    public var connections = 8
    /// How many of them only commit (default: 4).
    public var commitLanes = 4
    /// How many calls may wait for a connection before further ones are refused (default: 1,024).
    public var waitingCalls = 1024
    /// How long a question may take, waiting for a connection and connecting included (default: 10 s).
    public var queryTime: Duration = .seconds(10)
    /// How long a commit may take until its outcome counts as unknown (default: 10 s).
    public var commitTime: Duration = .seconds(10)
    /// How long a take-over may wait for the commits of the previous owner, all shards together (default: 5 s).
    public var takeTime: Duration = .seconds(5)
    /// How long the changes of an older schema may take (default: 10 minutes).
    public var migrationTime: Duration = .seconds(600)

    /// The defaults.
    public init() {}

    /// The defaults, adjusted.
    public init(_ adjust: (inout Self) -> Void) {
        self.init()
        adjust(&self)
    }
}
