// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Foundation
import Testing

@testable import CanoPostgres

@Suite("Opening a PostgreSQL store", .enabled(if: Server.uri != nil))
struct OpeningTests {
    @Test("what cannot be reached is named without the password, in one line with the remedy")
    func unreachable() async throws {
        let server = try #require(Server.uri.flatMap { URLComponents(string: $0) })
        var wrongPassword = server
        wrongPassword.password = "s3cret"
        var wrongDatabase = server
        wrongDatabase.path = "/nowhere"
        var wrongPort = server
        wrongPort.port = 1
        var wrongHost = server
        wrongHost.host = "no-such-host.invalid"
        let cases: [(URLComponents, culprit: String)] = [
            (wrongPassword, "password"), (wrongDatabase, "nowhere"), (wrongPort, ":1/"),
            (wrongHost, "no-such-host.invalid"),
        ]
        for (parts, culprit) in cases {
            let uri = try #require(parts.string)
            let error = await #expect(throws: CanoError.self) { _ = try await PostgresStore.open(uri) }
            let message = error?.message ?? ""
            #expect(error?.code == .storeUnavailable, "\(message)")
            #expect(message.contains(culprit), "\(message)")
            #expect(message.contains("check that"), "\(message)")
            #expect(!message.contains("\n") && !message.contains(parts.password ?? "-"), "\(message)")
        }
    }

    @Test(
        "a malformed URI is refused without repeating what may be its password",
        arguments: [
            "mysql://u:s3cret@h/d", "postgres://u:s3%zzcret@h/d", "postgres://u:s3cret@h:port/d?foo=bar", "cano.db",
        ]
    )
    func malformed(uri: String) async {
        let error = await #expect(throws: CanoError.self) { _ = try await PostgresStore.open(uri) }
        #expect(error?.code == .invalidInput || error?.code == .storeUnavailable)
        #expect(error?.message.contains("cret") == false, "\(error?.message ?? "")")
        #expect(error?.message.contains("\n") == false)
    }

    @Test("many processes that open an empty database at once make the schema once")
    func concurrentMigration() async throws {
        try await Server.withDatabase { uri in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask { await (try PostgresStore.open(uri)).close() }
                }
                try await group.waitForAll()
            }
            let person = try Operator(uri)
            #expect(try await person.value("SELECT count(*) FROM cano.migration") == "\(Schema.version)")
            #expect(try await person.value("SELECT count(*) FROM cano.shard") == "64")
            await person.close()
            let again = try await PostgresStore.open(uri)
            #expect(try await again.ensurePartitions() == 0)
            await again.close()
        }
    }

    @Test("a migration that fails leaves nothing behind, and the next one succeeds")
    func failedMigration() async throws {
        try await Server.withDatabase { uri in
            let person = try Operator(uri)
            try await person.run("CREATE SCHEMA cano; CREATE TABLE cano.inbox (mine int)")
            let error = await #expect(throws: CanoError.self) { _ = try await PostgresStore.open(uri) }
            #expect(error?.message.contains("inbox") == true)
            #expect(try await person.value("SELECT to_regclass('cano.run') IS NULL") == "true")
            try await person.run("DROP TABLE cano.inbox")
            await (try PostgresStore.open(uri)).close()
            await person.close()
        }
    }

    @Test("a schema of a newer version is refused by name")
    func newerSchema() async throws {
        try await Server.withStore { _, person in
            try await person.run("INSERT INTO cano.migration (version, name) VALUES (\(Schema.version + 1), 'later')")
            let uri = person.address.uri
            let error = await #expect(throws: CanoError.self) { _ = try await PostgresStore.open(uri) }
            #expect(error?.code == .schemaTooNew)
            #expect(error?.message.contains("version \(Schema.version + 1)") == true)
        }
    }

    @Test("a default isolation that would weaken the fence is overruled, and refused where it cannot be")
    func isolation() async throws {
        try await Server.withDatabase { uri in
            let person = try Operator(uri)
            let name = try #require(try await person.value("SELECT current_database()"))
            try await person.run("ALTER DATABASE \(name) SET default_transaction_isolation = 'repeatable read'")
            let store = try await PostgresStore.open(uri)
            let epoch = try await store.own()
            try await store.write(Story.start(Story.run(1), epoch: epoch))
            await store.close()
            await #expect(throws: CanoError.self) {
                try await person.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT cano.check_isolation()")
            }
            await person.close()
        }
    }

    @Test("synchronous_commit = off in the database does not weaken a commit")
    func durability() async throws {
        try await Server.withStore { _, person in
            try await person.run("SET synchronous_commit = off; BEGIN")
            let count = try await person.value("SELECT pronargs FROM pg_proc WHERE oid = 'cano.commit'::regproc")
            let empty = Array(repeating: "'{}'", count: try #require(count.flatMap { Int($0) })).joined(separator: ",")
            try await person.run("SELECT cano.commit(\(empty))")
            #expect(try await person.value("SELECT current_setting('synchronous_commit')") == "on")
            try await person.run("ROLLBACK")
        }
    }

    @Test("a table is partitioned for the coming weeks, and rows of a week that has none are found all the same")
    func partitions() async throws {
        try await Server.withStore { store, person in
            let count = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'cano.history'::regclass"
            #expect(try await person.value(count) == "10")
            let epoch = try await store.own()
            // An id that is made in the year 2096.
            let run = RunID(at: Instant(microseconds: 4_000_000_000_000_000), shard: Story.shard, random: (1, 2 << 8))
            try await store.write(Story.start(run, epoch: epoch))
            #expect(try await person.value("SELECT count(*) FROM cano.history_default") == "1")
            #expect(try await store.load(run)?.tail.count == 1)
            let today = RunID(at: try await store.now(), shard: Story.shard, random: (3, 4 << 8))
            try await store.write(Story.start(today, epoch: epoch))
            #expect(try await person.value("SELECT count(*) FROM cano.history_default") == "1")
        }
    }
}
