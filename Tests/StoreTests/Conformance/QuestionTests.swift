// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

private let first = ShardID(rawValue: 0)
private let second = ShardID(rawValue: 1)

@Suite("Store: questions that people ask")
struct QuestionTests {
    @Test("a finished run keeps what lists show and is no longer loaded", arguments: StoreKind.available)
    func finished(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            var sample = Sample()
            let epoch = try await store.own(first)
            let run = sample.run(in: first)
            let start = Sample.start(run, key: "k", status: .waiting, wakeAt: Sample.time)
            try await store.write(.starting(start, epoch: epoch))
            var summary = RunSummary(
                run: run,
                definition: Sample.definition,
                key: "k",
                status: .waiting,
                startedAt: Sample.time,
                wakeAt: Sample.time
            )
            #expect(try await store.summary(of: run) == summary)
            var batch = ShardBatch(shard: first, epoch: epoch)
            batch.finish(run, seq: 2, status: .failed, note: "exit: 3")
            try await store.write(batch)
            summary.status = .failed
            summary.finishedAt = batch.finished[0].at
            summary.wakeAt = nil
            summary.note = "exit: 3"
            #expect(try await fixture.other().summary(of: run) == summary)
            #expect(try await store.summaries(RunQuery()) == [summary])
            #expect(try await store.load(run) == nil)
            let horizon = Instant(microseconds: .max)
            let runnable = try await store.runnable(
                in: first,
                before: horizon,
                waitingOnly: false,
                after: nil,
                limit: 10
            )
            #expect(runnable.isEmpty)
            #expect(try await store.history(of: run, after: 0, limit: 10).map(\.kind) == [.started, .finished])
        }
    }

    @Test("a run that begins and ends in one commit is like any other", arguments: StoreKind.available)
    func brief(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let (brief, long) = (sample.run(in: first), sample.run(in: first))
            var batch = ShardBatch.starting(Sample.start(brief, key: "k"), epoch: epoch)
            batch.updates.append(RunUpdate(run: brief, status: .waiting, wakeAt: Sample.time, note: "soon"))
            batch.finish(brief, seq: 2, status: .cancelled, note: "ann")
            batch.add(Sample.start(long))
            let instant = sample.run(in: first)
            batch.add(Sample.start(instant, status: .succeeded))
            batch.finish(instant, seq: 2)
            try await store.write(batch)
            #expect(try await store.summary(of: instant)?.status == .succeeded)
            let summary = RunSummary(
                run: brief,
                definition: Sample.definition,
                key: "k",
                status: .cancelled,
                startedAt: Sample.time,
                finishedAt: batch.finished[0].at,
                note: "ann"
            )
            #expect(try await store.summary(of: brief) == summary)
            #expect(try await store.run(forKey: RunKey(workflow: "order", key: "k"))?.run == brief)
            #expect(try await store.load(brief) == nil)
            #expect(try await store.load(long) != nil)
        }
    }

    @Test(
        "lists are newest first, filtered, in pages, over finished and unfinished runs",
        arguments: StoreKind.available
    )
    func lists(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let held = try await store.own(first, second)
            let statuses = RunStatus.allCases
            var all: [RunSummary] = []
            var batches = [first, second].map { ShardBatch(shard: $0, epoch: held[$0] ?? Epoch(rawValue: 0)) }
            for index in 0..<48 {
                let run = sample.run(in: index % 2 == 0 ? first : second)
                let status = statuses[index / 2 % statuses.count]
                let workflow = index % 3 == 0 ? "order" : "invoice"
                let initial: RunStatus = status.isFinished ? .active : status
                batches[index % 2].add(Sample.start(run, status: initial, workflow: workflow))
                if status.isFinished { batches[index % 2].finish(run, seq: 2, status: status) }
                all.append(try #require(RunSummary(sample: run, workflow: workflow, status: status)))
            }
            #expect(await store.commit(batches).answer?.stale == [])
            all.reverse()
            #expect(try await store.summaries(RunQuery { $0.limit = 100 }) == all)
            #expect(try await store.summaries(RunQuery { $0.limit = 0 }).isEmpty)
            for status in statuses {
                let found = try await store.summaries(RunQuery { $0.status = status })
                #expect(found == all.filter { $0.status == status })
            }
            let orders = all.filter { $0.definition.name == "order" }
            #expect(try await store.summaries(RunQuery { $0.workflow = "order" }) == orders)
            var query = RunQuery { $0.limit = 7 }
            query.workflow = "order"
            query.status = .succeeded
            query.before = all[3].run
            let expected = orders.filter { $0.status == .succeeded && $0.run < all[3].run }.prefix(7)
            #expect(try await store.summaries(query) == Array(expected))
            var pages: [RunSummary] = []
            query = RunQuery { $0.limit = 7 }
            while pages.count <= all.count {
                query.before = pages.last?.run
                let page = try await store.summaries(query)
                if page.isEmpty { break }
                pages += page
            }
            #expect(pages == all)
        }
    }

    @Test("a history is read in pages, in order", arguments: StoreKind.available)
    func history(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let run = sample.run(in: first)
            var batch = ShardBatch.starting(Sample.start(run), epoch: epoch)
            for seq in 2...20 { batch.history.append(Sample.row(run, seq, .entered)) }
            try await store.write(batch)
            #expect(try await store.history(of: run, after: 0, limit: 7) == Array(batch.history[..<7]))
            #expect(try await store.history(of: run, after: 7, limit: 100) == Array(batch.history[7...]))
            #expect(try await store.history(of: run, after: 20, limit: 7).isEmpty)
            #expect(try await store.history(of: run, after: 0, limit: 0).isEmpty)
            #expect(try await store.history(of: sample.run(in: first), after: 0, limit: 7).isEmpty)
        }
    }

    @Test("what operators did is kept, the newest first, with a commit or without", arguments: StoreKind.available)
    func audit(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            let epoch = try await store.own(first)
            let entries = (0..<4)
                .map { index in
                    AuditEntry(
                        at: Sample.time,
                        actor: "ann \(index)",
                        via: "cli",
                        action: "cancel",
                        target: "run",
                        before: index == 1 ? "active" : nil,
                        after: index == 2 ? "" : nil
                    )
                }
            try await store.record(entries[0])
            var batch = ShardBatch(shard: first, epoch: epoch)
            batch.audit = [entries[1], entries[2]]
            var stale = ShardBatch(shard: first, epoch: Epoch(rawValue: 9))
            stale.audit = [entries[3]]
            try await store.write(batch)
            try await store.write(stale)
            #expect(try await fixture.other().audit(limit: 10) == [entries[2], entries[1], entries[0]])
            #expect(try await store.audit(limit: 1) == [entries[2]])
        }
    }
}

extension RunSummary {
    fileprivate init?(sample run: RunID, workflow: String, status: RunStatus) {
        self.init(
            run: run,
            definition: DefinitionKey(name: workflow, version: 3),
            key: nil,
            status: status,
            startedAt: Sample.time
        )
        if status.isFinished { self.finishedAt = Sample.time.advanced(by: Span(milliseconds: 2)) }
    }
}
