// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Group commit: whatever shards hand in while a commit is under way goes into the next one together.
final class Committer: Sendable {
    private struct Pending: Sendable {
        var batch: ShardBatch
        var bytes: Int
        var then: @Sendable (CommitOutcome) -> Void
    }

    private let store: any RunStore
    /// The same store, when a commit needs no waiting: then there is nothing to gain from a queue.
    private let immediate: (any ImmediateStore)?
    /// The same store, when it gathers commits by itself.
    private let gathering: (any GatheringStore)?
    private let clock: HostClock
    private let time: any HostTime
    private let limits: Limits
    private let lanes: Int
    private let meters: Meters?
    private let mailbox = Mailbox<Pending>()

    init(
        store: any RunStore,
        clock: HostClock,
        time: any HostTime = MachineTime(),
        limits: Limits,
        lanes: Int,
        meters: Meters? = nil
    ) {
        self.store = store
        self.immediate = store as? any ImmediateStore
        self.gathering = store as? any GatheringStore
        self.clock = clock
        self.time = time
        self.limits = limits
        self.lanes = lanes
        self.meters = meters
    }

    /// Commits a shard's batch here and now, if that needs no waiting.
    func commitAtOnce(_ batch: ShardBatch) -> CommitOutcome? {
        guard let immediate = self.immediate else { return nil }
        let sentAt = self.time.now
        let outcome = immediate.commitAtOnce([batch])
        self.answered(outcome, batch.history.count, since: sentAt)
        return outcome.seen(by: batch.shard)
    }

    /// Commits a shard's batch together with its neighbours'; `then` is called once, from anywhere, and must not wait.
    func commit(_ batch: ShardBatch, bytes: Int, then: @escaping @Sendable (CommitOutcome) -> Void) {
        guard let gathering = self.gathering else {
            let isAccepted = self.mailbox.post(Pending(batch: batch, bytes: bytes, then: then))
            return isAccepted ? () : then(.failed(.shuttingDown, "the process is stopping"))
        }
        let (shard, records, sentAt) = (batch.shard, batch.history.count, self.time.now)
        gathering.commit([batch]) { outcome in
            self.answered(outcome, records, since: sentAt)
            then(outcome.seen(by: shard))
        }
    }

    /// Commits until ``stop()``, also when the task is cancelled before; what was handed in until then is committed.
    func run() async {
        await withDiscardingTaskGroup { group in
            for _ in 0..<self.lanes {
                group.addTask {
                    while let pending = await self.mailbox.nextUntilClosed() { await self.commit(pending) }
                }
            }
        }
    }

    func stop() {
        self.mailbox.close()
    }

    private func commit(_ pending: [Pending]) async {
        var first = 0
        while first < pending.count {
            var (end, bytes) = (first, 0)
            var shards: Set<ShardID> = []
            while end < pending.count, end == first || bytes + pending[end].bytes <= self.limits.commitBytes,
                shards.insert(pending[end].batch.shard).inserted
            {
                bytes += pending[end].bytes
                end += 1
            }
            await self.write(pending[first..<end])
            first = end
        }
    }

    /// One commit of the store.
    ///
    /// When that is refused because of what is in it, the halves are tried apart, so that only the culprit fails.
    private func write(_ pending: ArraySlice<Pending>) async {
        let sentAt = self.time.now
        let outcome = await self.store.commit(pending.map(\.batch))
        self.answered(outcome, pending.lazy.map(\.batch.history.count).reduce(0, +), since: sentAt)
        if case .failed(let code, _) = outcome, pending.count > 1, Self.blamesContent(code) {
            let middle = pending.startIndex + pending.count / 2
            await self.write(pending[..<middle])
            return await self.write(pending[middle...])
        }
        for one in pending { one.then(outcome.seen(by: one.batch.shard)) }
    }

    private func answered(_ outcome: CommitOutcome, _ records: Int, since sentAt: ContinuousClock.Instant) {
        self.measure(outcome, records, since: sentAt)
        if case .answered(let answer) = outcome { self.clock.adjust(to: answer.now, sentAt: sentAt) }
    }

    private func measure(_ outcome: CommitOutcome, _ records: Int, since sentAt: ContinuousClock.Instant) {
        guard let meters = self.meters else { return }
        switch outcome {
        case .answered: meters.count(.commits, "answered")
        case .failed: meters.count(.commits, "failed")
        case .unknown: meters.count(.commits, "unknown")
        }
        meters.time(.commitDuration, Span(sentAt.duration(to: self.time.now)).milliseconds)
        meters.record(.commitRecords, records)
    }

    /// Whether another try with the same rows cannot go better.
    static func blamesContent(_ code: CanoError.Code) -> Bool {
        code == .invalidInput || code == .storeCorrupt || code == .limitExceeded
    }
}

extension CommitOutcome {
    /// What the commit is to one of its shards: a batch that cannot be true failed, whatever became of the others.
    fileprivate func seen(by shard: ShardID) -> CommitOutcome {
        guard case .answered(let answer) = self, let contradiction = answer.contradicted[shard] else { return self }
        return .failed(contradiction.code, contradiction.message)
    }
}
