// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

@testable import CanoPostgres

/// Somebody with `psql`: a connection beside the store's.
struct Operator {
    let connection: PostgresConnection
    let address: PostgresAddress

    init(_ uri: String) throws {
        self.address = try PostgresAddress(uri)
        self.connection = PostgresConnection(to: self.address, settings: ServerSettings())
    }

    /// Runs statements and keeps nothing of them.
    func run(_ script: String) async throws {
        do {
            try await self.connection.script(script, until: .now.advanced(by: .seconds(30)))
        } catch {
            throw error.error(at: self.address)
        }
    }

    /// The rows of a query, whose columns must be of type text.
    func rows(_ query: String) async throws -> [[String?]] {
        let statement = Statement(query) { (rows) throws(CanoError) in
            try rows.map { row in (0..<row.width).map { row.text($0) } }
        }
        do {
            return try await self.connection.run(statement, until: .now.advanced(by: .seconds(30)))
        } catch {
            throw error.error(at: self.address)
        }
    }

    /// The first column of the first row of a query.
    func value(_ query: String) async throws -> String? {
        try await self.rows("SELECT (\(query))::text").first?.first ?? nil
    }

    /// Waits until a statement of somebody else, whose text contains this, waits for a lock.
    func awaitBlocked(_ text: String) async throws {
        try await Patience.until("\(text) waits for a lock") { try await self.blocked(text) != nil }
    }

    /// The process that runs this statement and waits for a lock.
    func blocked(_ text: String) async throws -> String? {
        try await self.value(
            """
            SELECT pid FROM pg_stat_activity WHERE query LIKE '%\(text)%' AND wait_event_type = 'Lock'
                AND datname = current_database() AND pid <> pg_backend_pid() LIMIT 1
            """
        )
    }

    func close() async {
        await self.connection.close()
    }
}

extension Operator {
    /// A second connection of the same person, for looking on while the first one holds something.
    func another() async throws -> Operator {
        try Operator(self.address.uri)
    }
}

extension Operator {
    /// What a statement returns that answers in JSON, as EXPLAIN does.
    func json(_ query: String) async throws -> String {
        let statement = Statement(query) { (rows) throws(CanoError) in try rows.first().text(0) ?? "" }
        do {
            return try await self.connection.run(statement, until: .now.advanced(by: .seconds(30)))
        } catch {
            throw error.error(at: self.address)
        }
    }
}
