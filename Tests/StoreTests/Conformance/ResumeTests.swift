// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

private let first = ShardID(rawValue: 0)
private let second = ShardID(rawValue: 1)

@Suite("Store: resuming runs")
struct ResumeTests {
    @Test("a run is loaded with what its row has and its records so far", arguments: StoreKind.available)
    func fresh(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            var sample = Sample()
            let epoch = try await store.own(first)
            let start = Sample.start(sample.run(in: first), key: "k", hash: .min)
            let batch = ShardBatch.starting(start, epoch: epoch)
            try await store.write(batch)
            #expect(try await fixture.other().load(start.run) == StoredRun(start: start, tail: batch.history))
            #expect(try await store.load(sample.run(in: first)) == nil)
        }
    }

    @Test("a loaded run has its status and wake-up of the last update", arguments: StoreKind.available)
    func updated(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let run = sample.run(in: first)
            var batch = ShardBatch.starting(Sample.start(run), epoch: epoch)
            batch.updates.append(RunUpdate(run: run, status: .blocked, wakeAt: nil, note: "no worker"))
            try await store.write(batch)
            #expect(try await store.load(run)?.start.status == .blocked)
            #expect(try await store.summary(of: run)?.note == "no worker")
            var next = ShardBatch(shard: first, epoch: epoch)
            next.updates.append(RunUpdate(run: run, status: .compensating, wakeAt: nil))
            next.updates.append(RunUpdate(run: run, status: .waiting, wakeAt: Sample.time))
            try await store.write(next)
            let loaded = try await store.load(run)
            #expect(loaded?.start == Sample.start(run, status: .waiting, wakeAt: Sample.time))
            #expect(try await store.summary(of: run)?.note == nil)
        }
    }

    @Test("the tail begins at the last state entered; pushes before it come too", arguments: StoreKind.available)
    func tail(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let run = sample.run(in: first)
            var batch = ShardBatch.starting(Sample.start(run), epoch: epoch)
            let kinds: [HistoryRow.Kind] = [
                .sagaPushed, .entered, .attemptFailed, .sagaPushed, .entered, .sagaPushed, .attemptLost,
            ]
            for kind in kinds { batch.history.append(Sample.full(run, batch.history.count + 1, kind)) }
            for index in batch.history.indices { batch.history[index].split = nil }
            try await store.write(batch)
            let loaded = try #require(try await store.load(run))
            #expect(loaded.tail == Array(batch.history[5...]))
            #expect(loaded.pushes == [batch.history[1], batch.history[4]])
            #expect(loaded.branches.isEmpty)
        }
    }

    @Test("behind a join the results of its split come too, and no others", arguments: StoreKind.available)
    func branches(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let run = sample.run(in: first)
            var batch = ShardBatch.starting(Sample.start(run), epoch: epoch)
            let kinds: [HistoryRow.Kind] = [
                .branchDone, .expanded, .branchDone, .attemptFailed, .branchDone, .joined, .branchDone,
            ]
            for kind in kinds { batch.history.append(Sample.row(run, batch.history.count + 1, kind)) }
            var entered = Sample.row(run, 9, .entered)
            entered.split = 3...7
            batch.history.append(entered)
            batch.history.append(Sample.row(run, 10, .attemptFailed))
            try await store.write(batch)
            let loaded = try #require(try await store.load(run))
            #expect(loaded.tail.map(\.seq) == [9, 10])
            #expect(loaded.branches == [batch.history[3], batch.history[5]])
            #expect(loaded.pushes.isEmpty)
        }
    }

    @Test(
        "what is runnable: active, compensating, and waiting or blocked runs that are due",
        arguments: StoreKind.available
    )
    func runnable(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let held = try await store.own(first, second)
            let horizon = Sample.time.advanced(by: .seconds(30))
            let before = Instant(microseconds: horizon.microseconds - 1)
            let wanted: [(RunStatus, Instant?, Bool)] = [
                (.waiting, before, true), (.active, nil, true), (.waiting, horizon, false), (.blocked, nil, false),
                (.blocked, Sample.time, true), (.compensating, nil, true), (.waiting, nil, false),
                (.active, horizon, true), (.waiting, Sample.time, true),
            ]
            var batch = ShardBatch(shard: first, epoch: try #require(held[first]))
            let starts = wanted.map { Sample.start(sample.run(in: first), status: $0.0, wakeAt: $0.1) }
            for start in starts.reversed() { batch.add(start) }
            let foreign = Sample.start(sample.run(in: second))
            try await store.write(batch, .starting(foreign, epoch: try #require(held[second])))
            let expected = zip(starts, wanted).filter(\.1.2).map(\.0)
            let found = try await store.runnable(
                in: first,
                before: horizon,
                waitingOnly: false,
                after: nil,
                limit: 100
            )
            #expect(found.map(\.start) == expected)
            #expect(found.allSatisfy { $0.tail.count == 1 })
            let sweep = try await store.runnable(
                in: first,
                before: horizon,
                waitingOnly: true,
                after: nil,
                limit: 100
            )
            #expect(sweep.map(\.start) == expected.filter { $0.status == .waiting || $0.status == .blocked })
        }
    }

    @Test("runnable runs come in pages, in order, each once", arguments: StoreKind.available)
    func pages(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            var batch = ShardBatch(shard: first, epoch: epoch)
            let runs = (0..<25).map { _ in sample.run(in: first) }
            for (index, run) in runs.enumerated() {
                let isWaiting = index % 3 == 0
                batch.add(Sample.start(run, status: isWaiting ? .waiting : .active, wakeAt: Sample.time))
            }
            try await store.write(batch)
            let horizon = Sample.time.advanced(by: .seconds(1))
            var read: [RunID] = []
            while read.count <= runs.count {
                let page = try await store.runnable(
                    in: first,
                    before: horizon,
                    waitingOnly: false,
                    after: read.last,
                    limit: 4
                )
                #expect(page.count <= 4)
                if page.isEmpty { break }
                read += page.map(\.start.run)
            }
            #expect(read == runs)
        }
    }

    @Test("an outcome is known by its token, whichever record carries it", arguments: StoreKind.available)
    func outcomes(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let run = sample.run(in: first)
            var batch = ShardBatch.starting(Sample.start(run), epoch: epoch)
            var tokens: [(HistoryRow.Kind, Token)] = []
            for kind in HistoryRow.Kind.allCases where kind != .started && kind != .finished {
                let token = Token(epoch: epoch, counter: Int64(kind.rawValue))
                tokens.append((kind, token))
                let path: WorkPath? = kind == .entered ? nil : .branch(4)
                batch.history.append(
                    Sample.outcome(run, batch.history.count + 1, kind, token: token, path: path)
                )
            }
            try await store.write(batch)
            let accepted: Set<HistoryRow.Kind> = [
                .entered, .expanded, .branchDone, .attemptFailed, .sagaPushed, .compensated, .stepCursor, .childStarted,
            ]
            for (kind, token) in tokens {
                let found = try await store.hasOutcome(of: token, run: run, path: .branch(4))
                #expect(found == accepted.contains(kind), "\(kind)")
                let stranger = Token(epoch: Epoch(rawValue: 99), counter: token.counter)
                #expect(try await !store.hasOutcome(of: stranger, run: run, path: .branch(4)), "\(kind)")
            }
            let token = Token(epoch: epoch, counter: Int64(HistoryRow.Kind.branchDone.rawValue))
            #expect(try await !store.hasOutcome(of: token, run: run, path: .branch(5)))
            #expect(try await !store.hasOutcome(of: token, run: sample.run(in: first), path: .branch(4)))
        }
    }

    @Test("an outcome that ended its run is known, too", arguments: StoreKind.available)
    func lastOutcome(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let run = sample.run(in: first)
            var batch = ShardBatch.starting(Sample.start(run), epoch: epoch)
            batch.finish(run, seq: 2)
            let token = Token(epoch: epoch, counter: 1)
            batch.history[1].token = token
            batch.history[1].path = "step"
            try await store.write(batch)
            #expect(try await store.hasOutcome(of: token, run: run, path: .step))
        }
    }
}
