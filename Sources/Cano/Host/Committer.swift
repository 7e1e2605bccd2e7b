// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Group commit: whatever shards hand in while a commit is under way goes into the next one together.
final class Committer: Sendable {
    private struct Pending: Sendable {
        var batch: ShardBatch
        var bytes: Int
        var continuation: CheckedContinuation<CommitOutcome, Never>
    }

    private let store: any RunStore
    private let clock: HostClock
    private let limits: Limits
    private let lanes: Int
    private let mailbox = Mailbox<Pending>()

    init(store: any RunStore, clock: HostClock, limits: Limits, lanes: Int) {
        self.store = store
        self.clock = clock
        self.limits = limits
        self.lanes = lanes
    }

    /// Commits a shard's batch together with its neighbours'.
    func commit(_ batch: ShardBatch, bytes: Int) async -> CommitOutcome {
        await withCheckedContinuation { continuation in
            let pending = Pending(batch: batch, bytes: bytes, continuation: continuation)
            if !self.mailbox.post(pending) {
                continuation.resume(returning: .failed(.shuttingDown, "the process is stopping"))
            }
        }
    }

    /// Commits until ``stop()``; what was handed in before is still committed.
    func run() async {
        await withDiscardingTaskGroup { group in
            for _ in 0..<self.lanes {
                group.addTask {
                    while let pending = await self.mailbox.next() { await self.commit(pending) }
                }
            }
        }
        for pending in self.mailbox.take(atMost: .max).items {
            pending.continuation.resume(returning: .failed(.shuttingDown, "the process is stopping"))
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
            let sentAt = ContinuousClock.now
            let outcome = await self.store.commit(pending[first..<end].map(\.batch))
            if case .answered(let answer) = outcome { self.clock.adjust(to: answer.now, sentAt: sentAt) }
            for one in pending[first..<end] { one.continuation.resume(returning: outcome.seen(by: one.batch.shard)) }
            first = end
        }
    }
}

extension CommitOutcome {
    /// What the commit is to one of its shards: a batch that cannot be true failed, whatever became of the others.
    fileprivate func seen(by shard: ShardID) -> CommitOutcome {
        guard case .answered(let answer) = self, let contradiction = answer.contradicted[shard] else { return self }
        return .failed(contradiction.code, contradiction.message)
    }
}
