// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What became of a commit.
public enum CommitOutcome: Hashable, Sendable {
    /// The store answered.
    case answered(CommitAnswer)
    /// The store was never reached, or said that nothing was written: the same batches may be sent again.
    case failed(CanoError.Code, String)
    /// The connection was lost meanwhile. Only taking the shards again and loading them tells what was written.
    case unknown(String)
}

/// What the store did with each batch.
public struct CommitAnswer: Hashable, Sendable {
    /// Shards whose epoch did not hold, or that somebody was about to take: nothing of them was written.
    public var stale: Set<ShardID>
    /// Starts that were left out because their key is taken, and by whom.
    public var refused: [RunID: KeyedRun]
    /// The store's clock.
    public var now: Instant

    /// An answer from its parts.
    public init(stale: Set<ShardID> = [], refused: [RunID: KeyedRun] = [:], now: Instant) {
        self.stale = stale
        self.refused = refused
        self.now = now
    }
}

/// The run that a key belongs to.
public struct KeyedRun: Hashable, Sendable {
    /// The run.
    public var run: RunID
    /// The hash of the input with which it was started.
    public var inputHash: Int64

    /// A keyed run from its parts.
    public init(run: RunID, inputHash: Int64) {
        self.run = run
        self.inputHash = inputHash
    }
}
