// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// The wish to put the unfinished runs of one version under another one.
public struct MigrationOrder: Hashable, Sendable {
    /// The workflow's name.
    public var workflow: String
    /// The version that the runs have.
    public var from: Int
    /// The version that they get.
    public var to: Int
    /// Which states stand for which.
    public var map: StateMap

    /// An order from its parts.
    public init(workflow: String, from: Int, to: Int, map: StateMap = StateMap()) {
        self.workflow = workflow
        self.from = from
        self.to = to
        self.map = map
    }
}

/// What became of a migration.
public struct MigrationReport: Hashable, Sendable {
    /// A run that was not migrated.
    public struct Refused: Hashable, Sendable {
        /// The run.
        public var run: RunID
        /// Why.
        public var reason: String
    }

    /// How many runs have the new version now.
    public var migrated = 0
    /// How many are asked for by mail, because another process owns them; the audit says what became of them.
    public var posted = 0
    /// Those that were not migrated: mostly they were in the middle of an attempt, so ask again.
    public var refused: [Refused] = []

    /// Nothing yet.
    public init() {}
}
