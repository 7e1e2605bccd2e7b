// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@testable import CanoPostgres

@Suite("Commits whose answer is lost", .enabled(if: Server.uri != nil))
struct LossTests {
    @Test("a connection that is cut while the commit runs leaves it unknown, and taking the shard tells the truth")
    func cutInFlight() async throws {
        try await Server.withStore { store, person in
            let epoch = try await store.own()
            try await store.write(Story.start(Story.run(1), epoch: epoch))
            try await person.holdKey("k")
            async let commit = store.commit([Story.start(Story.run(2), key: "k", epoch: epoch)])
            let watcher = try await person.another()
            try await watcher.awaitBlocked("cano.commit")
            let process = try #require(try await watcher.blocked("cano.commit"))
            try await watcher.run("SELECT pg_terminate_backend(\(process))")
            guard case .unknown(let reason) = await commit else {
                throw Failure("a cut connection must be unknown: \(await commit)")
            }
            #expect(!reason.contains("\n"))
            try await person.run("ROLLBACK")

            let next = try await store.own()
            #expect(next.rawValue == epoch.rawValue + 1)
            #expect(try await store.load(Story.run(1)) != nil)
            #expect(try await store.load(Story.run(2)) == nil)
            try await store.write(Story.start(Story.run(2), key: "k", epoch: next))
            await watcher.close()
        }
    }

    @Test("a commit that was written but whose answer never came is unknown, and taking the shard shows it")
    func lostAnswer() async throws {
        try await Server.withDatabase { uri in
            let proxy = try Proxy(to: uri)
            defer { proxy.stop() }
            let store = try await PostgresStore.open(proxy.uri)
            let epoch = try await store.own()
            try await store.write(Story.start(Story.run(1), epoch: epoch))
            proxy.loseAnswers()
            guard case .unknown = await store.commit([Story.start(Story.run(2), epoch: epoch)]) else {
                throw Failure("a lost answer must be unknown")
            }
            proxy.passAnswers()
            let next = try await store.own()
            #expect(next.rawValue == epoch.rawValue + 1)
            #expect(try await store.load(Story.run(2)) != nil)
            await store.close()
        }
    }

    @Test("an error of the server means that nothing was written, and the connection goes on")
    func refusedByServer() async throws {
        try await Server.withStore { store, person in
            let epoch = try await store.own()
            try await store.write(Story.start(Story.run(1), epoch: epoch))
            var again = Story.start(Story.run(2), epoch: epoch)
            again.history.append(Story.row(Story.run(1), 1, .attemptHeld))
            let answer = try await store.write(again)
            let contradiction = try #require(answer.contradicted[Story.shard])
            #expect(contradiction.code == .invalidInput)
            #expect(!contradiction.message.contains("\n"))
            #expect(try await store.load(Story.run(2)) == nil)
            #expect(try await person.value("SELECT count(*) FROM cano.history") == "1")
        }
    }

    @Test("ending a run that is not there is refused, naming the run, and writes nothing")
    func finishOfNoRun() async throws {
        try await Server.withStore { store, person in
            let epoch = try await store.own()
            try await store.write(Story.start(Story.run(1), epoch: epoch))
            var batch = ShardBatch(shard: Story.shard, epoch: epoch)
            batch.finish(Story.run(1), seq: 2)
            batch.finish(Story.run(5), seq: 2)
            let contradiction = try #require(try await store.write(batch).contradicted[Story.shard])
            #expect(contradiction.code == .storeCorrupt)
            #expect(contradiction.message.contains("\(Story.run(5))"))
            #expect(try await person.value("SELECT count(*) FROM cano.run_finished") == "0")
        }
    }

    @Test("a commit that has no answer by its deadline is unknown, and the server is told to stop it")
    func deadline() async throws {
        try await Server.withStore { store, person in
            let epoch = try await store.own()
            try await store.write(Story.start(Story.run(1), epoch: epoch))
            try await person.run("BEGIN; LOCK TABLE cano.audit IN EXCLUSIVE MODE")
            var batch = Story.start(Story.run(2), epoch: epoch)
            batch.audit = [AuditEntry(at: Story.time, actor: "a", via: "cli", action: "start", target: "x")]
            let hasty = try await PostgresStore.open(
                person.address.uri,
                options: PostgresOptions { $0.commitTime = .seconds(1) }
            )
            var outcome = CommitOutcome.failed(.storeUnavailable, "")
            // On a busy machine a second may not be enough to connect; then nothing was sent.
            while case .failed(.storeUnavailable, _) = outcome { outcome = await hasty.commit([batch]) }
            guard case .unknown = outcome else { throw Failure("a late answer must be unknown: \(outcome)") }
            let watcher = try await person.another()
            try await Patience.until("the statement ends at the server") {
                try await watcher.blocked("cano.commit") == nil
            }
            try await person.run("ROLLBACK")
            #expect(try await store.own().rawValue == epoch.rawValue + 1)
            #expect(try await store.load(Story.run(2)) == nil)
            await watcher.close()
            await hasty.close()
        }
    }

    @Test("a question that takes too long is given up by its deadline, at the server too")
    func slowQuestion() async throws {
        try await Server.withStore(PostgresOptions { $0.queryTime = .milliseconds(400) }) { store, person in
            let slow = Statement("SELECT pg_sleep(600)::text") { (_) throws(CanoError) in }
            let error = await #expect(throws: CanoError.self) { try await store.ask(slow) }
            #expect(error?.code == .storeUnavailable)
            try await Patience.until("the statement ends at the server") {
                let running =
                    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%'"
                    + " AND state = 'active' AND datname = current_database() AND pid <> pg_backend_pid()"
                return try await person.value(running) == "0"
            }
            try await Patience.until("the store answers again") { (try? await store.now()) != nil }
        }
    }

    @Test("when every connection is busy a call waits for its deadline and no longer, and a full line refuses at once")
    func busyPool() async throws {
        let options = PostgresOptions {
            $0.connections = 2
            $0.commitLanes = 1
            $0.waitingCalls = 1
            $0.queryTime = .seconds(2)
        }
        try await Server.withStore(options) { store, person in
            let slow = Statement("SELECT pg_sleep(1)::text") { (_) throws(CanoError) in }
            let answers = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<8 {
                    group.addTask { (try? await store.ask(slow)) != nil }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(answers <= 2, "one runs, one waits, six are refused")
            try await Patience.until("the store answers again") { (try? await store.now()) != nil }
        }
    }
}
