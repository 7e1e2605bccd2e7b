// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@testable import CanoPostgres

@Suite("Statements that a server session keeps", .enabled(if: Server.uri != nil))
struct KeptStatementTests {
    private static let names = Statement("SELECT name FROM pg_prepared_statements ORDER BY name") {
        (rows) throws(CanoError) in
        try rows.map { row in row.text(0) ?? "" }
    }

    private static func answer(_ connection: PostgresConnection) async throws -> Int? {
        var statement = Statement("SELECT $1 + 1") { parameters in
            parameters.add(Int32(41))
        } read: { (rows) throws(CanoError) in
            try rows.first().int(0)
        }
        statement.name = "answer"
        return try await connection.run(statement, until: .now.advanced(by: .seconds(30)))
    }

    private static func kept(_ connection: PostgresConnection) async throws -> [String] {
        try await connection.run(Self.names, until: .now.advanced(by: .seconds(30)))
    }

    @Test("a session of the server's own keeps a statement that has a name, once")
    func direct() async throws {
        let address = try PostgresAddress(try #require(Server.uri))
        let connection = PostgresConnection(to: address, settings: ServerSettings())
        for _ in 0..<3 { #expect(try await Self.answer(connection) == 42) }
        #expect(try await Self.kept(connection) == ["answer"])
        await connection.disconnect()
        #expect(try await Self.answer(connection) == 42)
        #expect(try await Self.kept(connection) == ["answer"])
        await connection.close()
    }

    @Test("behind a pooler, which lends sessions, nothing is kept")
    func pooled() async throws {
        let proxy = try Proxy(to: try #require(Server.uri))
        defer { proxy.stop() }
        proxy.actLikePooler()
        let connection = PostgresConnection(to: try PostgresAddress(proxy.uri), settings: ServerSettings())
        for _ in 0..<3 { #expect(try await Self.answer(connection) == 42) }
        #expect(try await Self.kept(connection).isEmpty)
        await connection.close()
    }

    @Test("a statement that the server forgot is kept anew after one refusal that wrote nothing")
    func forgotten() async throws {
        let address = try PostgresAddress(try #require(Server.uri))
        let connection = PostgresConnection(to: address, settings: ServerSettings())
        #expect(try await Self.answer(connection) == 42)
        try await connection.script("DEALLOCATE ALL", until: .now.advanced(by: .seconds(30)))
        await #expect(throws: PostgresFailure.self) { try await Self.answer(connection) }
        #expect(try await Self.answer(connection) == 42)
        await connection.close()
    }

    @Test("commits are kept by their name")
    func commits() async throws {
        try await Server.withStore { store, person in
            let epoch = try await store.own()
            for number in 1...3 { try await store.write(Story.start(Story.run(number), epoch: epoch)) }
            let address = person.address
            let connection = PostgresConnection(to: address, settings: ServerSettings())
            for number in 4...6 {
                let batch = Story.start(Story.run(number), epoch: epoch)
                let deadline = ContinuousClock.now.advanced(by: .seconds(30))
                #expect(try await connection.run(.commit([batch]), until: deadline).stale.isEmpty)
            }
            #expect(try await Self.kept(connection) == ["cano_commit"])
            await connection.close()
        }
    }
}
