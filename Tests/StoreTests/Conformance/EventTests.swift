// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

private let first = ShardID(rawValue: 0)

@Suite("Store: signals, children, people and new versions")
struct EventTests {
    private static func letters(_ sample: inout Sample) -> [Mail] {
        let (run, child) = (sample.run(in: first), sample.run(in: first))
        let parent = ParentLink(run: run, visit: 3)
        let signal = RunSignal(name: "paid", payload: .json("{\"sum\":42}"), id: "p-1")
        var intervention = Intervention(.resolve, path: .undo(seq: 5), note: "zwölf", next: "ship")
        intervention.output = Payload(bytes: [0, 255], type: .binary)
        let order = ChildOrder(
            run: child,
            workflow: "bill",
            version: nil,
            context: .json("{}"),
            seed: .max,
            parent: parent
        )
        let failure = Failure(code: "exit", message: "no money", isRetryable: false)
        let failed = ChildResult(run: child, outcome: .failed(failure), context: nil)
        let cancelled = ChildResult(run: child, outcome: .cancelled(by: "ann"), context: .json("1"))
        let contents: [Mail.Content] = [
            .order(run, .signal(signal), by: "ann"),
            .order(run, .signal(RunSignal(name: "go", payload: Payload(bytes: [], type: .text))), by: ""),
            .order(run, .intervene(intervention), by: "ann"),
            .order(run, .intervene(Intervention(.retry)), by: "ann"),
            .order(run, .migrate(version: 2, StateMap(["pack": "wrap", "a": "b"])), by: "ann"),
            .startChild(order), .childEnded(parent, failed), .childEnded(parent, cancelled),
            .childEnded(parent, ChildResult(run: child, outcome: .timedOut, context: nil)),
        ]
        return contents.map { Mail(to: first, $0) }
    }

    @Test("every kind of message comes back as it was left", arguments: StoreKind.available)
    func mail(kind: StoreKind) async throws {
        try await kind.withStore { store, fixture in
            var sample = Sample()
            let epoch = try await store.own(first)
            let letters = Self.letters(&sample)
            try await store.post(Array(letters.prefix(4)))
            var batch = ShardBatch(shard: first, epoch: epoch)
            batch.mail = Array(letters.dropFirst(4))
            try await store.write(batch)
            #expect(try await fixture.other().mail(for: [first], limit: 99).map(\.mail) == letters)
        }
    }

    @Test("a blocked run is due when its time has come, and only then", arguments: StoreKind.available)
    func blockedUntil(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let (timed, parked) = (sample.run(in: first), sample.run(in: first))
            var batch = ShardBatch.starting(Sample.start(timed), epoch: epoch)
            batch.add(Sample.start(parked))
            batch.updates.append(RunUpdate(run: timed, status: .blocked, wakeAt: Sample.time, note: "no worker"))
            batch.updates.append(RunUpdate(run: parked, status: .blocked, wakeAt: nil, note: "lost its worker"))
            try await store.write(batch)
            let later = Sample.time.advanced(by: Span(milliseconds: 1))
            for waitingOnly in [false, true] {
                let due = try await store.runnable(
                    in: first,
                    before: later,
                    waitingOnly: waitingOnly,
                    after: nil,
                    limit: 9
                )
                #expect(due.map(\.start.run) == [timed])
            }
            let early = try await store.runnable(
                in: first,
                before: Sample.time,
                waitingOnly: false,
                after: nil,
                limit: 9
            )
            #expect(early.isEmpty)
        }
    }

    @Test("a run that was migrated has its new version everywhere", arguments: StoreKind.available)
    func migrated(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let run = sample.run(in: first)
            var batch = ShardBatch.starting(Sample.start(run), epoch: epoch)
            var row = Sample.row(run, 2, .migrated)
            row.payload = .emptyObject
            batch.history.append(row)
            batch.history.append(Sample.row(run, 3, .attemptHeld))
            batch.updates.append(RunUpdate(run: run, status: .active, wakeAt: nil, version: 7))
            try await store.write(batch)
            var next = ShardBatch(shard: first, epoch: epoch)
            next.updates.append(RunUpdate(run: run, status: .waiting, wakeAt: Sample.time))
            try await store.write(next)
            let loaded = try #require(try await store.load(run))
            #expect(loaded.start.definition.version == 7)
            #expect(loaded.tail.map(\.kind) == [.migrated, .attemptHeld])
            #expect(try await store.summary(of: run)?.definition.version == 7)
        }
    }

    @Test("a state gets the signal that led to it and those that the run knows of", arguments: StoreKind.available)
    func signals(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let run = sample.run(in: first)
            var batch = ShardBatch.starting(Sample.start(run), epoch: epoch)
            for seq in 2...5 {
                let signal = RunSignal(name: "go", payload: .json("\(seq)"), id: "id-\(seq)")
                batch.history.append(HistoryRow(.signalled(signal), run: run, seq: seq, at: Sample.time))
            }
            var entry = Record.Entry(state: "ship", visit: 2, context: .emptyObject)
            entry.arrival = .signal(seq: 2)
            entry.signals.kept = [4, 5]
            entry.signals.past = [2]
            batch.history.append(HistoryRow(.entered(entry), run: run, seq: 6, at: Sample.time))
            try await store.write(batch)
            let loaded = try #require(try await store.load(run))
            #expect(loaded.tail.map(\.seq) == [6])
            #expect(loaded.branches.map(\.seq) == [2])
            #expect(loaded.signals.map(\.seq) == [2, 4, 5])
            #expect(
                try loaded.signals.last?.record() == .signalled(RunSignal(name: "go", payload: .json("5"), id: "id-5"))
            )
        }
    }

    @Test("the outcome of the lease that made a child's context is known", arguments: StoreKind.available)
    func childOutcome(kind: StoreKind) async throws {
        try await kind.withStore { store, _ in
            var sample = Sample()
            let epoch = try await store.own(first)
            let run = sample.run(in: first)
            let token = Token(epoch: epoch, counter: 9)
            let start = Record.ChildStart(
                run: sample.run(in: first),
                workflow: "bill",
                version: 1,
                context: .emptyObject,
                cause: Record.Attempt(number: 1, token: token)
            )
            var batch = ShardBatch.starting(Sample.start(run), epoch: epoch)
            batch.history.append(HistoryRow(.childStarted(start), run: run, seq: 2, at: Sample.time))
            try await store.write(batch)
            #expect(try await store.hasOutcome(of: token, run: run, path: .expand))
            #expect(try await !store.hasOutcome(of: token, run: run, path: .step))
        }
    }
}
