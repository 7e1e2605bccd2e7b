// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@testable import CanoPostgres

/// What reading costs, in pages of the server: a measure that no clock disturbs.
@Suite("How a PostgreSQL store reads", .enabled(if: Server.uri != nil))
struct ReadingTests {
    @Test("a sweep that finds nothing reads as few pages whether ten runs wait or twenty thousand")
    func sweep() async throws {
        try await Server.withStore { _, person in
            var pages: [Int] = []
            for (first, count) in [(1, 10), (11, 20_000)] {
                try await person.run(
                    """
                    INSERT INTO cano.run
                        (run, seed, input_hash, started_at, wake_at, version, shard, status, workflow)
                    SELECT overlay(cano.uuid_at(cano.now())::text placing lpad(to_hex(i), 12, '0') from 25)::uuid,
                        1, 1, cano.now(), cano.now() + interval '1 day', 1, i % 64, 2, 'order'
                    FROM generate_series(\(first), \(first + count - 1)) AS i;
                    """
                )
                try await person.run("VACUUM ANALYZE cano.run")
                let question = "cano.runnable(7::smallint, cano.now(), true, cano.uuid_at('2020-01-01'), 1000)"
                // The first time plans it. So does any later one before which other tests have made so many tables that
                // the server forgets what this session knew of the catalogue: some 530 pages, once.
                var reads: [Int] = []
                for _ in 1...6 {
                    let plan = try await person.json("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT \(question)")
                    reads.append(try #require(plan.pagesRead))
                }
                pages.append(try #require(reads.min()))
                #expect(try await person.value("SELECT cardinality(\(question))") == "0")
            }
            #expect(pages[1] <= pages[0] + 10, "pages read: \(pages)")
        }
    }

    @Test("mail that only a newer version knows stays where it is, and hides no other")
    func newerMail() async throws {
        try await Server.withStore { store, person in
            try await person.run(
                "INSERT INTO cano.inbox (shard, kind, run, sender) VALUES (7, 99, '\(Story.run(1))', 'a newer one')"
            )
            let letter = Mail(to: Story.shard, .cancel(Story.run(2), by: "me"))
            try await store.post([letter])
            #expect(try await store.mail(for: [Story.shard], limit: 9).map(\.mail) == [letter])
        }
    }

    @Test("a page of due runs is sorted by id, whatever the order in which they are due")
    func order() async throws {
        try await Server.withStore { store, _ in
            let epoch = try await store.own()
            var batch = ShardBatch(shard: Story.shard, epoch: epoch)
            for number in 1...9 {
                batch.start(Story.run(number))
                batch.starts[number - 1].status = number == 5 ? .active : .waiting
                batch.starts[number - 1].wakeAt = Story.time.preceded(by: Span(milliseconds: Int64(number)))
            }
            try await store.write(batch)
            var seen: [RunID] = []
            while true {
                let page = try await store.runnable(
                    in: Story.shard,
                    before: Story.time,
                    waitingOnly: false,
                    after: seen.last,
                    limit: 4
                )
                seen += page.map(\.start.run)
                if page.count < 4 { break }
            }
            #expect(seen == (1...9).map { Story.run($0) })
        }
    }
}

extension String {
    /// How many pages a plan in JSON says were read from the cache, at its top.
    var pagesRead: Int? {
        self.firstMatch(of: /"Shared Hit Blocks": (\d+)/).flatMap { Int($0.1) }
    }
}
