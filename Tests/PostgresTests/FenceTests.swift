// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@testable import CanoPostgres

@Suite("Fence of PostgreSQL", .enabled(if: Server.uri != nil))
struct FenceTests {
    @Test("a taker waits for the commit in flight, and refuses the old epoch by name afterwards")
    func takerWaits() async throws {
        try await Server.withStore { store, person in
            let epoch = try await store.own()
            try await person.holdKey("k")
            async let commit = store.commit([Story.start(Story.run(1), key: "k", epoch: epoch)])
            let watcher = try await person.another()
            try await watcher.awaitBlocked("cano.commit")
            async let taken = store.take(
                [ShardClaim(shard: Story.shard, seen: epoch)],
                for: Story.otherHost,
                ttl: .seconds(30)
            )
            try await watcher.awaitBlocked("cano.take_shards")
            #expect(try await watcher.value("SELECT epoch FROM cano.shard WHERE shard = 7") == "\(epoch.rawValue)")
            try await person.run("ROLLBACK")
            guard case .answered(let answer) = await commit else {
                throw Failure("the commit in flight must be answered: \(await commit)")
            }
            #expect(answer.stale.isEmpty)
            #expect(try await taken == [Story.shard: Epoch(rawValue: epoch.rawValue + 1)])
            #expect(try await store.load(Story.run(1)) != nil)

            let late = await store.commit([Story.start(Story.run(2), epoch: epoch)])
            guard case .answered(let refusal) = late else { throw Failure("\(late)") }
            #expect(refusal.stale == [Story.shard])
            #expect(try await store.load(Story.run(2)) == nil)
            await watcher.close()
        }
    }

    @Test("a commit yields to a waiting taker instead of starving it")
    func commitYields() async throws {
        try await Server.withStore { store, person in
            let epoch = try await store.own()
            try await person.run("BEGIN; SELECT pg_advisory_xact_lock_shared(cano.shard_lock(7::smallint))")
            async let taken = store.take(
                [ShardClaim(shard: Story.shard, seen: epoch)],
                for: Story.otherHost,
                ttl: .seconds(30)
            )
            let watcher = try await person.another()
            try await watcher.awaitBlocked("cano.take_shards")
            let outcome = await store.commit([Story.start(Story.run(1), epoch: epoch)])
            guard case .answered(let answer) = outcome else { throw Failure("\(outcome)") }
            #expect(answer.stale == [Story.shard])
            #expect(try await watcher.value("SELECT epoch FROM cano.shard WHERE shard = 7") == "\(epoch.rawValue)")
            try await person.run("ROLLBACK")
            #expect(try await taken.count == 1)
            await watcher.close()
        }
    }

    @Test("of two takers that saw the same epoch one wins")
    func oneTakerWins() async throws {
        try await Server.withStore { store, _ in
            let claims = ShardID.all.map { ShardClaim(shard: $0, seen: Epoch(rawValue: 0)) }
            async let first = store.take(claims, for: Story.host, ttl: .seconds(30))
            async let second = store.take(claims.reversed(), for: Story.otherHost, ttl: .seconds(30))
            let (one, other) = try await (first, second)
            #expect(one.count + other.count == ShardID.count)
            #expect(Set(one.keys).isDisjoint(with: other.keys))
            #expect([one, other].allSatisfy { $0.values.allSatisfy { $0.rawValue == 1 } })
        }
    }

    @Test("a shard that somebody holds fails no other claim")
    func heldShard() async throws {
        try await Server.withStore(PostgresOptions { $0.takeTime = .milliseconds(200) }) { store, person in
            try await person.run("BEGIN; SELECT pg_advisory_xact_lock_shared(cano.shard_lock(3::smallint))")
            let claims = [2, 3, 4].map { ShardClaim(shard: ShardID(rawValue: $0), seen: Epoch(rawValue: 0)) }
            let taken = try await store.take(claims, for: Story.host, ttl: .seconds(30))
            #expect(Set(taken.keys.map(\.rawValue)) == [2, 4])
            try await person.run("ROLLBACK")
        }
    }

    @Test("a stale shard fails no neighbour of its commit, and none of its rows is written")
    func staleNeighbour() async throws {
        try await Server.withStore { store, person in
            let neighbour = ShardID(rawValue: 8)
            let old = try await store.own()
            let sound = try await store.own(neighbour)
            _ = try await store.own(as: Story.otherHost)
            var stale = Story.start(Story.run(1), key: "a", epoch: old)
            stale.mail = [Mail(to: neighbour, .cancel(Story.run(9, in: neighbour), by: "me"))]
            stale.audit = [AuditEntry(at: Story.time, actor: "me", via: "cli", action: "start", target: "x")]
            let outcome = await store.commit([stale, Story.start(Story.run(2, in: neighbour), key: "b", epoch: sound)])
            guard case .answered(let answer) = outcome else { throw Failure("\(outcome)") }
            #expect(answer.stale == [Story.shard])
            #expect(try await store.load(Story.run(1)) == nil)
            #expect(try await store.load(Story.run(2, in: neighbour)) != nil)
            #expect(try await store.run(forKey: RunKey(workflow: "order", key: "a")) == nil)
            #expect(try await store.run(forKey: RunKey(workflow: "order", key: "b")) != nil)
            #expect(try await store.mail(for: [neighbour], limit: 9).isEmpty)
            #expect(try await store.audit(limit: 9).isEmpty)
            #expect(try await person.value("SELECT count(*) FROM cano.history") == "1")
        }
    }

    @Test("commits of many lanes that want the same keys give each key to one run")
    func keysUnderConcurrency() async throws {
        try await Server.withStore { store, person in
            let shards = (0..<8).map { ShardID(rawValue: $0) }
            let epochs = try await store.take(
                shards.map { ShardClaim(shard: $0, seen: Epoch(rawValue: 0)) },
                for: Story.host,
                ttl: .seconds(30)
            )
            let refused = try await withThrowingTaskGroup(of: Int.self) { group in
                for (lane, shard) in shards.enumerated() {
                    var batch = ShardBatch(shard: shard, epoch: epochs[shard] ?? Epoch(rawValue: 0))
                    let keys = lane.isMultiple(of: 2) ? Array(0..<50) : (0..<50).reversed()
                    for (number, key) in keys.enumerated() {
                        batch.start(Story.run(lane * 100 + number, in: shard), key: "key-\(key)")
                    }
                    group.addTask { [batch] in try await store.write(batch).refused.count }
                }
                return try await group.reduce(0, +)
            }
            #expect(refused == 7 * 50)
            #expect(try await person.value("SELECT count(*) FROM cano.run_key") == "50")
            #expect(try await person.value("SELECT count(*) FROM cano.run") == "50")
            #expect(try await person.value("SELECT count(*) FROM cano.history") == "50")
        }
    }
}

extension Operator {
    /// Claims a key in a transaction that stays open: a commit that wants it too waits.
    func holdKey(_ key: String) async throws {
        try await self.run(
            """
            BEGIN;
            INSERT INTO cano.run_key VALUES ('order', '\(key)', '00000000-0000-7000-8000-000000000000', 1)
            """
        )
    }
}
