// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@testable import CanoPostgres

@Suite("Weeks that are dropped", .enabled(if: Server.uri != nil))
struct RetentionTests {
    private static let retention = Span.seconds(30 * 86_400)

    /// Makes a partition of each table for the week that began so many weeks before this one.
    private static func makeWeek(_ weeksAgo: Int, _ person: Operator) async throws {
        try await person.run(
            """
            SET timezone = 'UTC';
            DO $$ DECLARE
                v_from timestamptz := date_trunc('week', cano.now()) - \(weeksAgo) * interval '7 days';
            BEGIN
                FOR v_table IN 1 .. 2 LOOP
                    EXECUTE format('CREATE TABLE cano.%I PARTITION OF cano.%I FOR VALUES FROM (%L) TO (%L)',
                        (ARRAY['history_', 'run_finished_'])[v_table] || to_char(v_from, 'YYYYMMDD'),
                        (ARRAY['history', 'run_finished'])[v_table],
                        cano.uuid_at(v_from), cano.uuid_at(v_from + interval '7 days'));
                END LOOP;
            END $$;
            """
        )
    }

    private static func tables(_ person: Operator) async throws -> Int? {
        try await person.value(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'cano' AND tablename ~ '^(history|run_finished)_[0-9]+$'"
        )
        .flatMap { Int($0) }
    }

    private static func start(_ number: UInt64, _ at: Instant, endedAt: Instant?, in batch: inout ShardBatch) -> RunID {
        let run = RunID(at: at, shard: Story.shard, random: (number, number << 8))
        batch.start(run, key: "key \(number)")
        batch.history.append(Story.row(run, 2, .attemptHeld))
        if let endedAt {
            batch.history.append(Story.row(run, 3, .finished))
            batch.finished.append(RunFinish(run: run, status: .succeeded, at: endedAt, note: nil))
        }
        return run
    }

    @Test("a week whose runs are over for long enough is dropped; what is not over is moved whole and goes on")
    func drop() async throws {
        try await Server.withStore { store, person in
            try await Self.makeWeek(9, person)
            let tables = try #require(try await Self.tables(person))
            let epoch = try await store.own()
            let now = try await store.now()
            let then = now.preceded(by: .seconds(9 * 7 * 86_400))
            var batch = ShardBatch(shard: Story.shard, epoch: epoch)
            let over = Self.start(1, then, endedAt: now.preceded(by: .seconds(40 * 86_400)), in: &batch)
            let open = Self.start(2, then, endedAt: nil, in: &batch)
            try await store.write(batch)
            #expect(try await person.value("SELECT count(*) FROM cano.history_default") == "0")
            let loaded = try await store.load(open)

            #expect(try await store.keepUp(retention: Self.retention) == Upkeep(forgotten: 1, moved: 1))
            #expect(try await Self.tables(person) == tables - 2)
            #expect(try await store.summary(of: over) == nil)
            #expect(try await store.run(forKey: RunKey(workflow: "order", key: "key 1")) == nil)
            #expect(try await store.load(open) == loaded)
            #expect(try await person.value("SELECT count(*) FROM cano.history_default") == "2")

            var end = ShardBatch(shard: Story.shard, epoch: epoch)
            end.history = [Story.row(open, 3, .finished)]
            end.finished = [RunFinish(run: open, status: .succeeded, at: now, note: nil)]
            try await store.write(end)
            #expect(try await store.history(of: open, after: 0, limit: 9).map(\.seq) == [1, 2, 3])
            #expect(try await store.keepUp(retention: Self.retention) == Upkeep())
            #expect(try await store.summary(of: open)?.status == .succeeded)
        }
    }

    @Test("a week of which one run ended lately stays whole")
    func endedLately() async throws {
        try await Server.withStore { store, person in
            try await Self.makeWeek(9, person)
            let tables = try #require(try await Self.tables(person))
            let epoch = try await store.own()
            let now = try await store.now()
            let then = now.preceded(by: .seconds(9 * 7 * 86_400))
            var batch = ShardBatch(shard: Story.shard, epoch: epoch)
            let runs = [
                Self.start(1, then, endedAt: now.preceded(by: .seconds(50 * 86_400)), in: &batch),
                Self.start(2, then, endedAt: now.preceded(by: .seconds(86_400)), in: &batch),
            ]
            try await store.write(batch)
            #expect(try await store.keepUp(retention: Self.retention) == Upkeep())
            #expect(try await Self.tables(person) == tables)
            for run in runs { #expect(try await store.summary(of: run) != nil) }
            #expect(try await store.run(forKey: RunKey(workflow: "order", key: "key 1")) != nil)
        }
    }

    @Test("a week that somebody reads is dropped another time, and commits go on meanwhile")
    func busy() async throws {
        try await Server.withStore { store, person in
            try await Self.makeWeek(9, person)
            let tables = try #require(try await Self.tables(person))
            let epoch = try await store.own()
            let now = try await store.now()
            let then = now.preceded(by: .seconds(9 * 7 * 86_400))
            var batch = ShardBatch(shard: Story.shard, epoch: epoch)
            _ = Self.start(1, then, endedAt: now.preceded(by: .seconds(50 * 86_400)), in: &batch)
            try await store.write(batch)
            try await person.run("BEGIN; SELECT count(*) FROM cano.timeline")
            async let kept = store.keepUp(retention: Self.retention)
            let other = try await person.another()
            try await other.awaitBlocked("drop_week")
            try await store.write(Story.start(Story.run(7), epoch: epoch))
            #expect(try await kept == Upkeep())
            #expect(try await Self.tables(person) == tables)
            try await person.run("COMMIT")
            #expect(try await store.keepUp(retention: Self.retention).forgotten == 1)
            await other.close()
        }
    }

    @Test("the weeks to come get their partitions when there are none")
    func weeksToCome() async throws {
        try await Server.withStore { store, person in
            let last = try #require(
                try await person.value("SELECT max(tablename) FROM pg_tables WHERE tablename ~ '^history_[0-9]+$'")
            )
            try await person.run("DROP TABLE cano.\(last)")
            _ = try await store.keepUp(retention: nil)
            #expect(try await person.value("SELECT to_regclass('cano.\(last)') IS NOT NULL") == "true")
        }
    }
}
