// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What one shard's owner wants to be durable, all or nothing.
///
/// Every run in it is of the shard. The records of a run are dense and in order (and a cursor that one of them replaces
/// is removed); a run is created together with its
/// first record and moved to the finished ones together with its last. It is written in the order of its fields.
public struct ShardBatch: Hashable, Sendable {
    /// The shard.
    public var shard: ShardID
    /// The epoch under which the writer owns it.
    public var epoch: Epoch
    /// Runs to create.
    ///
    /// One whose key is taken is left out, with all its history rows, and named in the answer.
    public var starts: [RunStart] = []
    /// Records to append.
    public var history: [HistoryRow] = []
    /// Unfinished runs whose status changed.
    public var updates: [RunUpdate] = []
    /// Runs that ended: they move from the unfinished to the finished ones.
    public var finished: [RunFinish] = []
    /// Messages to other shards.
    public var mail: [Mail] = []
    /// Messages of this shard that this batch dealt with, by their ids.
    public var consumed: [Int64] = []
    /// What operators did that led to this.
    public var audit: [AuditEntry] = []

    /// An empty batch.
    public init(shard: ShardID, epoch: Epoch) {
        self.shard = shard
        self.epoch = epoch
    }

    /// Whether there is nothing to write.
    public var isEmpty: Bool {
        self.starts.isEmpty && self.history.isEmpty && self.updates.isEmpty && self.finished.isEmpty
            && self.mail.isEmpty && self.consumed.isEmpty && self.audit.isEmpty
    }
}

/// A user's name for a run, unique per workflow.
public struct RunKey: Hashable, Comparable, Sendable {
    /// The workflow's name.
    public var workflow: String
    /// The key.
    public var key: String

    /// A key from its parts.
    public init(workflow: String, key: String) {
        self.workflow = workflow
        self.key = key
    }

    /// Whether the left one comes first.
    public static func < (left: RunKey, right: RunKey) -> Bool {
        (left.workflow, left.key) < (right.workflow, right.key)
    }
}

/// A run to create.
public struct RunStart: Hashable, Sendable {
    /// Its id, which names its shard.
    public var run: RunID
    /// The definition that it stays with.
    public var definition: DefinitionKey
    /// The user's key, with ``inputHash`` to compare.
    public var key: String?
    /// The first eight bytes of the SHA-256 of the input: the same key with another hash is refused.
    public var inputHash: Int64
    /// From which its jitter is drawn.
    public var seed: UInt64
    /// When it was started.
    public var at: Instant
    /// When its total time is up; `nil` for no bound.
    public var deadline: Instant?
    /// Its status from the start.
    public var status: RunStatus
    /// When it must be looked at again; set when it waits.
    public var wakeAt: Instant?

    /// A start from its parts.
    public init(
        run: RunID,
        definition: DefinitionKey,
        key: String?,
        inputHash: Int64,
        seed: UInt64,
        at: Instant,
        deadline: Instant?,
        status: RunStatus,
        wakeAt: Instant?
    ) {
        self.run = run
        self.definition = definition
        self.key = key
        self.inputHash = inputHash
        self.seed = seed
        self.at = at
        self.deadline = deadline
        self.status = status
        self.wakeAt = wakeAt
    }

    /// The key that the run claims; `nil` when its user gave none.
    public var runKey: RunKey? {
        self.key.map { RunKey(workflow: self.definition.name, key: $0) }
    }
}

/// A new status of an unfinished run.
public struct RunUpdate: Hashable, Sendable {
    /// The run.
    public var run: RunID
    /// Its status from now on.
    public var status: RunStatus
    /// When it must be looked at again; set when it waits.
    public var wakeAt: Instant?
    /// Why it is blocked or what it waits for, for people.
    public var note: String?
    /// The version of its workflow from now on; `nil` when it stays.
    public var version: Int?

    /// An update from its parts.
    public init(run: RunID, status: RunStatus, wakeAt: Instant?, note: String? = nil, version: Int? = nil) {
        self.run = run
        self.status = status
        self.wakeAt = wakeAt
        self.note = note
        self.version = version
    }
}

/// The end of a run.
public struct RunFinish: Hashable, Sendable {
    /// The run.
    public var run: RunID
    /// How it ended.
    public var status: RunStatus
    /// When.
    public var at: Instant
    /// The failure's code and message, or who cancelled; `nil` after success.
    public var note: String?

    /// A finish from its parts.
    public init(run: RunID, status: RunStatus, at: Instant, note: String?) {
        self.run = run
        self.status = status
        self.at = at
        self.note = note
    }
}
