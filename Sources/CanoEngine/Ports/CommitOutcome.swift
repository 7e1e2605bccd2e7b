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
    /// Shards whose batch cannot be true: nothing of them was written, and sending the same again gives the same.
    public var contradicted: [ShardID: Contradiction]
    /// The store's clock.
    public var now: Instant

    /// An answer from its parts.
    public init(
        stale: Set<ShardID> = [],
        refused: [RunID: KeyedRun] = [:],
        contradicted: [ShardID: Contradiction] = [:],
        now: Instant
    ) {
        self.stale = stale
        self.refused = refused
        self.contradicted = contradicted
        self.now = now
    }
}

/// Why a batch cannot be true, whoever writes it and whenever.
public struct Contradiction: Hashable, Sendable {
    /// `invalidInput` when the batch contradicts itself, `storeCorrupt` when it contradicts what is stored.
    public var code: CanoError.Code
    /// One line that names the run.
    public var message: String

    /// A contradiction from its parts.
    public init(_ code: CanoError.Code, _ message: String) {
        self.code = code
        self.message = message
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
