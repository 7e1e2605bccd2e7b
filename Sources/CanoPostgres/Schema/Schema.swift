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
            statements: [tables, partitions, retention, ownership]
        ),
        Migration(name: "messages with a payload, runs that are blocked until a time", statements: [messages]),
    ]

    /// Functions and views, which hold no data: they are replaced whenever the tables have changed.
    static let code = [dropped, commit, reading, views, timeline]

    /// Functions whose parameters have changed since an earlier version.
    private static let dropped = """
        DO $drop$ DECLARE v_function regprocedure; BEGIN
            FOR v_function IN SELECT oid FROM pg_proc
                WHERE pronamespace = 'cano'::regnamespace AND proname IN ('commit', 'load_runs') LOOP
                EXECUTE 'DROP FUNCTION ' || v_function;
            END LOOP;
        END $drop$;
        """

    private static let messages = """
        ALTER TABLE cano.inbox ADD COLUMN payload bytea;
        COMMENT ON TABLE cano.inbox IS
            'Messages to the owners of shards, deleted in the commit that consumes them. '
            'Kinds: 1 cancel, 2 order, 3 start of a child, 4 end of a child.';
        DROP INDEX cano.run_wake;
        CREATE INDEX run_wake ON cano.run (shard, wake_at) WHERE status IN (2, 4);
        COMMENT ON COLUMN cano.audit.action IS
            'What: apply, start, cancel, signal, retry, skip, resolve, migrate.';
        """

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
