// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A store whose commits need no waiting, because everything is in memory.
///
/// Whoever commits to it need not gather commits of others first.
package protocol ImmediateStore: RunStore {
    /// ``RunStore/commit(_:)`` without the `await`.
    func commitAtOnce(_ batches: [ShardBatch]) -> CommitOutcome
}

extension MemoryStore: ImmediateStore {
    package func commitAtOnce(_ batches: [ShardBatch]) -> CommitOutcome {
        self.tables.withLock { $0.commit(batches, at: self.clock()) }
    }
}
