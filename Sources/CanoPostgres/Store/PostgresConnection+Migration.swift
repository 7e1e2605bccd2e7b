// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension PostgresConnection {
    /// Makes the schema what this version needs; one process at a time does it, in one transaction.
    ///
    /// A schema that is up to date is only read, so a role without the right to create anything can run a coordinator.
    func migrate(within time: Duration, connectingWithin patience: Duration) throws(PostgresFailure) {
        let now = ContinuousClock.now
        try self.connect(until: now.advanced(by: patience))
        let deadline = now.advanced(by: time)
        try self.checkServer(until: deadline)
        if try self.schemaVersion(until: deadline) != Schema.version {
            do {
                try self.upgrade(until: deadline)
            } catch {
                self.disconnect()  // the transaction ends with the connection
                throw error
            }
        }
        try self.run(Statement("SELECT cano.ensure_partitions()"), until: deadline)
    }

    private func upgrade(until deadline: ContinuousClock.Instant) throws(PostgresFailure) {
        try self.script(
            """
            BEGIN ISOLATION LEVEL READ COMMITTED;
            SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
            SET LOCAL idle_in_transaction_session_timeout = '60s'; SET LOCAL client_min_messages = 'warning';
            SELECT pg_advisory_xact_lock(hashtextextended('cano.migration', 0));
            """,
            until: deadline
        )
        try self.script(Schema.foundation, until: deadline)
        for (index, migration) in Schema.migrations.enumerated().dropFirst(try self.schemaVersion(until: deadline)) {
            for statements in migration.statements { try self.script(statements, until: deadline) }
            let record = Statement("INSERT INTO cano.migration (version, name) VALUES ($1, $2)") { parameters in
                parameters.add(Int32(clamping: index + 1))
                parameters.add(migration.name)
            }
            try self.run(record, until: deadline)
        }
        for statements in Schema.code { try self.script(statements, until: deadline) }
        try self.script("COMMIT", until: deadline)
    }

    /// How many steps the schema has seen; 0 when there is none.
    private func schemaVersion(until deadline: ContinuousClock.Instant) throws(PostgresFailure) -> Int {
        let exists = try self.run(
            Statement("SELECT to_regclass('cano.migration') IS NOT NULL") { (rows) throws(CanoError) in
                try rows.first().bool(0)
            },
            until: deadline
        )
        guard exists else { return 0 }
        let version = try self.run(
            Statement("SELECT coalesce(max(version), 0) FROM cano.migration") { (rows) throws(CanoError) in
                let row = try rows.first()
                return try row.some(0, try row.int(0))
            },
            until: deadline
        )
        guard version <= Schema.version else {
            let message =
                "the schema cano in this database has version \(version) and this program knows \(Schema.version); "
                + "run the newer version of Cano that upgraded it"
            throw .broken(CanoError(.schemaTooNew, message), sent: false)
        }
        return version
    }

    /// Refuses, by name, a database in which our promises would not hold.
    private func checkServer(until deadline: ContinuousClock.Instant) throws(PostgresFailure) {
        let question = """
            SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
                current_setting('default_transaction_isolation'), pg_is_in_recovery()
            """
        try self.run(
            Statement(question) { (rows) throws(CanoError) in
                let row = try rows.first()
                let version = try row.some(0, try row.int(0))
                if version < 150_000 {
                    throw CanoError(.invalidInput, "PostgreSQL \(version / 10_000) is too old; Cano needs 15 or newer")
                }
                if let encoding = row.text(1), encoding != "UTF8" {
                    throw CanoError(
                        .invalidInput,
                        "the database has the encoding \(encoding); create one for Cano with ENCODING 'UTF8'"
                    )
                }
                if let isolation = row.text(2), isolation != "read committed" {
                    throw CanoError(
                        .invalidInput,
                        "transactions of this role are \(isolation) by default, and the fence needs read committed; "
                            + "reset default_transaction_isolation for this role and database"
                    )
                }
                if try row.bool(3) {
                    throw CanoError(
                        .storeUnavailable,
                        "this server is a standby that takes no writes; name the primary"
                    )
                }
            },
            until: deadline
        )
    }
}
