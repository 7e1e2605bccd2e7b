// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// Runs in PostgreSQL 15 or newer, in a schema named `cano`; any number of coordinators share it.
///
/// Works behind a pooler in transaction mode. Every call has a deadline; none occupies a thread that runs Swift tasks.
public final class PostgresStore: RunStore {
    let address: PostgresAddress
    let options: PostgresOptions
    let commits: ConnectionPool
    private let queries: ConnectionPool

    private init(_ address: PostgresAddress, _ options: PostgresOptions, _ settings: ServerSettings) {
        self.address = address
        self.options = options
        let lanes = max(1, min(options.commitLanes, options.connections - 1))
        self.commits = ConnectionPool(of: lanes, to: address, settings: settings, places: options.waitingCalls)
        self.queries = ConnectionPool(
            of: options.connections - lanes,
            to: address,
            settings: settings,
            places: options.waitingCalls
        )
    }

    /// Opens a database, and makes or brings up to date the schema `cano` in it.
    ///
    /// - Parameters:
    ///   - uri: a libpq URI, such as `postgres://user:password@host:5432/database`.
    ///   - options: how the database is used.
    /// - Returns: a store that reconnects by itself from now on.
    /// - Throws: `invalidInput` when the URI is malformed or the database cannot be used, `storeUnavailable` when it
    ///   cannot be reached, `schemaTooNew` when a newer version of Cano has been here.
    public static func open(
        _ uri: String,
        options: PostgresOptions = PostgresOptions()
    ) async throws(CanoError) -> PostgresStore {
        let address = try PostgresAddress(uri)
        let settings = ServerSettings()
        let migrator = PostgresConnection(to: address, settings: settings)
        do {
            try await migrator.migrate(within: options.migrationTime, connectingWithin: options.queryTime)
        } catch {
            await migrator.close()
            throw error.error(at: address)
        }
        await migrator.close()
        return PostgresStore(address, options, settings)
    }

    /// Runs a script on a connection of its own, as tools and tests need it to create and drop databases.
    package static func administer(_ uri: String, _ script: String) async throws(CanoError) {
        let address = try PostgresAddress(uri)
        let connection = PostgresConnection(to: address, settings: ServerSettings())
        do {
            try await connection.connect(until: .now.advanced(by: .seconds(10)))
            try await connection.script(script, until: .now.advanced(by: .seconds(60)))
        } catch {
            await connection.close()
            throw error.error(at: address)
        }
        await connection.close()
    }

    /// See ``RunStore/close()``.
    public func close() async {
        await self.commits.close()
        await self.queries.close()
    }

    /// See ``RunStore/now()``.
    public func now() async throws(CanoError) -> Instant {
        try await self.ask(
            Statement("SELECT cano.now()") { (rows) throws(CanoError) in
                let row = try rows.first()
                return try row.some(0, try row.instant(0))
            }
        )
    }

    /// Runs a statement of a question or of an operator.
    func ask<Answer: Sendable>(
        _ statement: Statement<Answer>,
        within time: Duration? = nil
    ) async throws(CanoError) -> Answer {
        do {
            return try await self.queries.run(statement, within: time ?? self.options.queryTime)
        } catch {
            throw error.error(at: self.address)
        }
    }
}
