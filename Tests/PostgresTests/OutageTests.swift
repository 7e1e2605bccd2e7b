// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Foundation
import Testing

@testable import CanoPostgres

@Suite("PostgreSQL that goes away", .enabled(if: Server.uri != nil))
struct OutageTests {
    @Test(
        "while the server is stopped every call says so, and all goes on when it is back",
        arguments: ["fast", "immediate"]
    )
    func stopAndRestart(mode: String) async throws {
        try await Server.withCluster { folder, uri in
            let store = try await PostgresStore.open(
                uri,
                options: PostgresOptions {
                    $0.queryTime = .milliseconds(500)
                    $0.commitTime = .milliseconds(500)
                }
            )
            let patient = try await PostgresStore.open(uri, options: Server.patient)
            let epoch = try await patient.own()
            try await patient.write(Story.start(Story.run(1), epoch: epoch))

            _ = try await Server.cluster("stop", folder, mode)
            let error = await #expect(throws: CanoError.self) { _ = try await store.now() }
            #expect(error?.code == .storeUnavailable)
            guard case .failed(let code, let reason) = await store.commit([Story.start(Story.run(2), epoch: epoch)])
            else { throw Failure("a commit that was never sent has failed, not become unknown") }
            #expect(code == .storeUnavailable)
            #expect(reason.contains("127.0.0.1") && !reason.contains("\n"))

            _ = try await Server.cluster("restart", folder)
            try await Patience.until("the store answers again") { (try? await store.now()) != nil }
            for run in [Story.run(1), Story.run(2)] {
                #expect((try await patient.load(run) != nil) == (run == Story.run(1)))
            }
            try await patient.write(Story.start(Story.run(2), epoch: epoch))
            await patient.close()
            await store.close()
        }
    }

    @Test("a call that begins while the server restarts gets its answer when there is still time")
    func patience() async throws {
        try await Server.withCluster { folder, uri in
            let store = try await PostgresStore.open(uri, options: PostgresOptions { $0.commitTime = .seconds(60) })
            let epoch = try await store.own()
            _ = try await Server.cluster("stop", folder)
            async let outcome = store.commit([Story.start(Story.run(1), epoch: epoch)])
            _ = try await Server.cluster("restart", folder)
            guard case .answered(let answer) = await outcome else { throw Failure("\(await outcome)") }
            #expect(answer.stale.isEmpty)
            await store.close()
        }
    }
}

@Suite("PostgreSQL behind a pooler", .enabled(if: Server.uri != nil && Pooler.exists))
struct PoolerTests {
    @Test("a pooler in transaction mode with fewer connections than lanes changes nothing")
    func transactionMode() async throws {
        try await Server.withDatabase { uri in
            try await Pooler.with(uri, servers: 2) { pooled in
                let store = try await PostgresStore.open(pooled)
                let claims = ShardID.all.map { ShardClaim(shard: $0, seen: Epoch(rawValue: 0)) }
                let epochs = try await store.take(claims, for: Story.host, ttl: .seconds(30))
                #expect(epochs.count == ShardID.count)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (shard, epoch) in epochs {
                        group.addTask {
                            for number in 0..<5 {
                                let run = Story.run(number, in: shard)
                                let key = "\(shard.rawValue)/\(number)"
                                try await store.write(Story.start(run, key: key, epoch: epoch))
                                guard try await store.load(run)?.tail.count == 1 else { throw Failure("not found") }
                                var end = ShardBatch(shard: shard, epoch: epoch)
                                end.finish(run, seq: 2)
                                try await store.write(end)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await store.renew(epochs, for: Story.host, ttl: .seconds(30)).count == ShardID.count)
                let query = RunQuery {
                    $0.status = .succeeded
                    $0.limit = 1000
                }
                #expect(try await store.summaries(query).count == 320)
                let person = try Operator(uri)
                // No setting, lock or prepared statement stays behind in a server connection of the pool.
                let locks = """
                    SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
                    WHERE locktype = 'advisory' AND datname = current_database()
                    """
                #expect(try await person.value(locks) == "0")
                await person.close()
                await store.close()
            }
        }
    }
}

/// PgBouncer in transaction mode.
enum Pooler {
    private static let path = "/usr/sbin/pgbouncer"
    static var exists: Bool { FileManager.default.isExecutableFile(atPath: Self.path) }

    static func with(_ uri: String, servers: Int, _ body: (String) async throws -> Void) async throws {
        let parts = try #require(URLComponents(string: uri))
        let (host, port) = (try #require(parts.host), try #require(parts.port))
        let (user, password) = (parts.user ?? "", parts.password ?? "")
        let folder = "/tmp/cano-pooler-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Neither a port that throw-away clusters use nor one that the system gives to proxies and connections.
        let listen = Int.random(in: 32_001...32_767)
        let configuration = """
            [databases]
            * = host=\(host) port=\(port)
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = \(listen)
            unix_socket_dir =
            auth_type = plain
            auth_file = \(folder)/users
            pool_mode = transaction
            default_pool_size = \(servers)
            logfile = \(folder)/log

            """
        try configuration.write(toFile: folder + "/ini", atomically: true, encoding: .utf8)
        try "\"\(user)\" \"\(password)\"\n".write(toFile: folder + "/users", atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder)
        let process = Process()
        if getuid() == 0 {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
            process.arguments = [
                "--reuid=nobody", "--regid=nogroup", "--clear-groups", Self.path, "-q", folder + "/ini",
            ]
        } else {
            process.executableURL = URL(fileURLWithPath: Self.path)
            process.arguments = ["-q", folder + "/ini"]
        }
        try process.run()
        // A child of a dispatch thread begins with SIGTERM blocked.
        defer { kill(process.processIdentifier, SIGKILL) }
        var pooled = parts
        pooled.port = listen
        let address = try #require(pooled.string)
        try await Patience.until("the pooler answers") {
            do {
                try await PostgresStore.administer(address, "SELECT 1")
                return true
            } catch let error as CanoError where error.message.contains("refused") {
                return false
            }
        }
        try await body(address)
    }
}
