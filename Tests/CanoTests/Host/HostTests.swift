// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@testable import Cano

@Suite("The engine's host", .timeLimit(.minutes(2)))
struct HostTests {
    @Test("a lease for a connection that is gone goes to another worker")
    func departed() async throws {
        let fixture = try await HostFixture()
        try await fixture.run {
            fixture.connect(FakeSession(1, isGone: true))
            let run = try await fixture.start()
            let present = FakeSession(2)
            fixture.connect(present)
            let grant = try await present.lease()
            #expect(grant.lease.key.run == run)
            #expect(grant.lease.attempt == 2, "the first one ended, and that is recorded")
        }
    }

    @Test("no lease goes out when the trust in the shard ended while the store was slow")
    func trust() async throws {
        let fixture = try await HostFixture(shardTTL: Span(milliseconds: 600))
        try await fixture.run {
            let worker = FakeSession(1)
            let isHeld = Guarded(false)
            // The grant rides with the start: both are in the commit that is held up.
            fixture.store.set { batches in
                guard batches.contains(where: { !$0.starts.isEmpty }) else { return nil }
                isHeld.withLock { $0 = true }
                fixture.store.setRenews(false)
                try? await Task.sleep(for: .milliseconds(900))
                return nil
            }
            fixture.connect(worker)
            async let run = fixture.startPatiently(key: "k")
            while !isHeld.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(2)) }
            let owned = fixture.host.owned
            try await Task.sleep(for: .milliseconds(1500))
            fixture.store.set(nil)
            fixture.store.setRenews(true)
            let id = try await run
            let grant = try await worker.lease()
            #expect(grant.lease.key.run == id)
            // On a busy machine the shard was lost before we looked.
            let epoch = owned[id.shard]
            #expect(epoch.map { grant.lease.token.epoch > $0 } ?? true || fixture.host.isTrusted(id.shard))
        }
    }

    @Test("without trust in the shard outcomes are written, and grants wait until it is back")
    func mistrust() async throws {
        let fixture = try await HostFixture(shardTTL: Span(milliseconds: 600))
        let (host, store) = (fixture.host, fixture.store)
        try await fixture.run {
            let worker = FakeSession(1)
            fixture.connect(worker)
            let first = try await fixture.startPatiently(key: "first")
            let grant = try await worker.lease()
            let owned = host.owned
            store.setRenews(false)
            while host.isTrusted(first.shard) { try await Task.sleep(for: .milliseconds(5)) }

            let done = AttemptReport.Result.completed(.task(context: nil, next: nil, output: nil))
            let report = AttemptReport(lease: grant.lease, result: done)
            var credit = 1
            while try await store.summary(of: first)?.status != .succeeded {
                host.reports([report], from: worker.id, worker: worker.worker, credit: credit)
                credit = 0
                try await Task.sleep(for: .milliseconds(50))
            }
            // The slot that was kept for what follows in the first run is free for the second one.
            let second = try await fixture.startPatiently(key: "second")
            let mayCome = Guarded(false)
            async let next = {
                let lease = try await worker.lease()
                return (lease, mayCome.withLock { $0 })
            }()
            try await Task.sleep(for: .milliseconds(250))
            mayCome.withLock { $0 = true }
            store.setRenews(true)
            let (lease, cameInTime) = try await next
            #expect(lease.lease.key.run == second)
            // On a busy machine the shard was lost meanwhile, and is trusted again by right.
            #expect(cameInTime || lease.lease.token.epoch != owned[second.shard], "it was granted without trust")
            let rows = try await store.history(of: second, after: 0, limit: 10)
            // What a shard that was lost leaves says something else than a grant that is taken back.
            #expect(!rows.contains { $0.kind == .attemptLost && $0.reason == LossReason.unstarted.rawValue }, "\(rows)")
        }
    }

    @Test("a shard that another process took is not driven, and gets no starts, until it is ours again")
    func taken() async throws {
        let fixture = try await HostFixture(shardTTL: .seconds(3))
        let (host, store) = (fixture.host, fixture.store)
        try await fixture.run {
            let shard = try #require(host.driven.first)
            let epoch = try #require(host.owned[shard])
            let other = HostID(rawValue: "other")
            let claim = ShardClaim(shard: shard, seen: epoch)
            let won = try await store.take([claim], for: other, ttl: .seconds(100))
            while host.driven.contains(shard) { try await Task.sleep(for: .milliseconds(5)) }
            for number in 0..<200 {
                let run = try await fixture.startPatiently(key: "\(number)")
                #expect(run.shard != shard)
            }
            try await store.release(won, for: other)
            while !host.driven.contains(shard) { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    @Test("a start without a version takes the highest that any coordinator has registered")
    func latestVersion() async throws {
        let fixture = try await HostFixture()
        try await fixture.run {
            var newer = HostFixture.definition
            newer.version = 2
            try await fixture.store.save(newer)
            try await Task.sleep(for: .milliseconds(1100))
            let run = try await fixture.start()
            #expect(try await fixture.host.run(run).definition.version == 2)
        }
    }

    @Test("an orderly stop writes what was handed in, and ends")
    func orderlyStop() async throws {
        let fixture = try await HostFixture()
        let isHeld = Guarded(false)
        let written = Guarded<[RunID]>([])
        let start = Guarded<Task<RunID, any Error>?>(nil)
        try await fixture.run {
            fixture.store.set { batches in
                isHeld.withLock { $0 = true }
                await Task { try? await Task.sleep(for: .milliseconds(200)) }.value
                written.withLock { $0 += batches.flatMap(\.starts).map(\.run) }
                return nil
            }
            start.withLock { $0 = Task { try await fixture.start() } }
            while !isHeld.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(2)) }
        }
        // The host has stopped.
        let run = try await start.withLock { $0 }?.value
        #expect(run.map { [$0] } == written.withLock { $0 }, "who asked was answered")
        let shards = try await fixture.store.shards()
        #expect(shards.allSatisfy { $0.holder == nil }, "the shards are given up")
    }

    @Test("a batch that contradicts the store fails alone")
    func poison() async throws {
        let store = GatedStore()
        let poisoned = ShardID(rawValue: 3)
        let isOpen = Guarded(false)
        store.set { batches in
            while !isOpen.withLock({ $0 }) { await Task.yield() }
            guard batches.contains(where: { $0.shard == poisoned }) else { return nil }
            return .failed(.storeCorrupt, "record 7 is there already")
        }
        let clock = HostClock(storeTime: try await store.now())
        let committer = Committer(store: store, clock: clock, limits: Limits(), lanes: 1)
        async let running: Void = committer.run()
        let outcomes = await withTaskGroup(of: (ShardID, CommitOutcome).self) { group in
            for number in UInt8(0)..<7 {
                group.addTask {
                    let shard = ShardID(rawValue: number)
                    let batch = ShardBatch(shard: shard, epoch: Epoch(rawValue: 0))
                    return (shard, await committer.outcome(of: batch))
                }
            }
            try? await Task.sleep(for: .milliseconds(50))
            isOpen.withLock { $0 = true }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        committer.stop()
        await running
        for (shard, outcome) in outcomes {
            if shard == poisoned {
                #expect(outcome == .failed(.storeCorrupt, "record 7 is there already"))
            } else if case .answered = outcome {
                continue
            } else {
                Issue.record("shard \(shard.rawValue) fails for its neighbour: \(outcome)")
            }
        }
    }

    @Test("a shard that is lost twice does not answer for others in the same call")
    func lostTwice() async {
        let requests = Requests()
        let (first, second) = (ShardID(rawValue: 1), ShardID(rawValue: 2))
        let (call, ids) = requests.open([first, second])
        requests.fail(ids[0])
        requests.fail(first)
        requests.fail(first)
        let run = RunID(at: Instant(microseconds: 1), shard: second, random: (1, 1))
        async let replies = requests.replies(to: call)
        await Task.yield()
        requests.reply(ids[1], .created(run))
        #expect(await replies == [nil, .created(run)])
    }
}

extension Committer {
    /// The outcome of a batch that is committed together with its neighbours'.
    fileprivate func outcome(of batch: ShardBatch) async -> CommitOutcome {
        await withCheckedContinuation { continuation in
            self.commit(batch, bytes: 1) { continuation.resume(returning: $0) }
        }
    }
}
