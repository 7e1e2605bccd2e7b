// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// The database's tables, functions and views, as the steps that lead to them.
enum Schema {
    /// One step from one version to the next; never changed once it was released.
    struct Migration: Sendable {
        /// What it does, for people.
        let name: String
        /// The statements, run in one transaction.
        let statements: [String]
    }

    /// How many shards a new database has.
    static let shardCount = ShardID.count

    /// All steps, in order; the version of a database is the number of steps it has seen.
    static let migrations = [
        Migration(
            name: "runs, history, shards, mail and audit",
            statements: [tables, partitions, retention, ownership, commit, reading, views, timeline]
        )
    ]

    /// The version that this program writes.
    static var version: Int { Self.migrations.count }

    /// What must be there before the first step.
    static let foundation = """
        CREATE SCHEMA IF NOT EXISTS cano;
        CREATE TABLE IF NOT EXISTS cano.migration (
            version int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        COMMENT ON TABLE cano.migration IS 'The steps that made this schema what it is.';
        """
}
