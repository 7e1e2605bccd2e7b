// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@Suite("Stream steps")
struct StreamTests {
    private static func run(_ feed: Feed, _ context: Feed.Context) async throws -> ([HistoryRow], Feed.Context) {
        let store: any RunStore = MemoryStore(clock: { TestClock.now() })
        return try await EmbeddedRunner.run(feed, on: store) { runner in
            let run = try await runner.start(Feed.self, context: context)
            let result = try await run.outcome()
            return (try await store.history(of: run.id, after: 0, limit: 1_000), result.context)
        }
    }

    @Test("windows are flushed in order, the last one too, and each has a durable cursor")
    func windows() async throws {
        let feed = Feed()
        let (rows, context) = try await Self.run(feed, .init(count: 5))
        #expect(context.ended == "exhausted")
        #expect(feed.ledger.all == ["open 0", "flush [1, 2]", "flush [3, 4]", "flush [5]"])
        let cursors = rows.filter { $0.kind == .checkpoint }.compactMap { $0.payload }
        #expect(cursors == [.json("2"), .json("4"), .json("5")])
        #expect(Set(rows.compactMap(\.token)).count == 1, "one lease for all of it")
    }

    @Test("an item that cannot be worked on is left out when the step says so, and a window can stop the stream")
    func skip() async throws {
        let feed = Feed(errors: .skip)
        let (_, context) = try await Self.run(feed, .init(count: 50))
        #expect(context.ended == "stopped")
        #expect(feed.ledger.all == ["open 0", "flush [1, 2]", "flush [3, 5]", "flush [6, 7]"])
    }

    @Test("a window of time is flushed when it is over")
    func time() async throws {
        let feed = Feed(window: .time(.milliseconds(5)))
        let (_, context) = try await Self.run(feed, .init(count: 3))
        #expect(context.ended == "exhausted")
        #expect(feed.ledger.all.dropFirst().joined().contains("3"))
    }

    @Test("an endless stream keeps a short history")
    func compaction() async throws {
        let (rows, _) = try await Self.run(Feed(window: .count(1)), .init(count: 500))
        #expect(rows.count { $0.kind == .checkpoint } == Limits().cursorRecords)
        // 500 windows, the start and the end, and one more when an attempt took longer than a second.
        #expect([502, 503].contains(rows.last?.seq))
    }

    @Test("a cancelled run drains its stream: the open window is flushed, and the attempt ended well")
    func cancelled() async throws {
        let gate = Gate()
        let feed = Feed(window: .count(3), gate: gate)
        let store: any RunStore = MemoryStore(clock: { TestClock.now() })
        let rows = try await EmbeddedRunner.run(feed, on: store) { runner in
            let run = try await runner.start(Feed.self, context: .init(count: 2))
            while feed.worked.all.count < 2 { try await Task.sleep(for: .milliseconds(1)) }
            try await run.cancel()
            _ = try? await run.outcome()
            while !feed.ledger.all.contains("interrupted") { try await Task.sleep(for: .milliseconds(1)) }
            return try await store.history(of: run.id, after: 0, limit: 100)
        }
        #expect(rows.last?.kind == .finished)
        #expect(feed.ledger.all == ["open 0", "flush [1, 2]", "interrupted"])
    }

    @Test("a crash repeats the open window only")
    func resumed() async throws {
        let store: any RunStore = MemoryStore(clock: { TestClock.now() })
        let gate = Gate()
        let feed = Feed(gate: gate)
        let id = try await EmbeddedRunner.run(feed, on: store) { runner in
            let run = try await runner.start(Feed.self, context: .init(count: 6))
            await gate.reached()
            return run.id
        }
        let again = Feed()
        let context = try await EmbeddedRunner.run(again, on: store) { runner in
            try await runner.handle(id, of: Feed.self).outcome().context
        }
        #expect(context.ended == "exhausted")
        #expect(again.ledger.all == ["open 2", "flush [3, 4]", "flush [5, 6]"])
    }
}
