// SPDX-License-Identifier: Apache-2.0 OR MIT

/// An unfinished run as a store hands it out: all that resuming needs, however long its history is.
public struct StoredRun: Hashable, Sendable {
    /// What the run's own row has.
    public var start: RunStart
    /// The last `started` or `entered` row and every row behind it, in order.
    public var tail: [HistoryRow]
    /// The `sagaPushed` rows before ``tail``, in order.
    public var pushes: [HistoryRow]
    /// When the first row of ``tail`` names a range (``HistoryRow/split``): its rows whose content is handed to the
    /// state (`branchDone`, `signalled`, `childEnded`), in order.
    public var branches: [HistoryRow]
    /// The rows of the signals that the first row of ``tail`` knows of, in order.
    public var signals: [HistoryRow]

    /// A stored run from its parts.
    public init(
        start: RunStart,
        tail: [HistoryRow],
        pushes: [HistoryRow] = [],
        branches: [HistoryRow] = [],
        signals: [HistoryRow] = []
    ) {
        self.start = start
        self.tail = tail
        self.pushes = pushes
        self.branches = branches
        self.signals = signals
    }
}

/// A run as lists show it.
public struct RunSummary: Hashable, Sendable {
    /// The run.
    public var run: RunID
    /// Its definition.
    public var definition: DefinitionKey
    /// The user's key.
    public var key: String?
    /// What it is doing, or how it ended.
    public var status: RunStatus
    /// When it was started.
    public var startedAt: Instant
    /// When it ended.
    public var finishedAt: Instant?
    /// When it will be looked at again, while it waits.
    public var wakeAt: Instant?
    /// Why it is blocked, what it waits for, or why it failed.
    public var note: String?

    /// A summary from its parts.
    public init(
        run: RunID,
        definition: DefinitionKey,
        key: String?,
        status: RunStatus,
        startedAt: Instant,
        finishedAt: Instant? = nil,
        wakeAt: Instant? = nil,
        note: String? = nil
    ) {
        self.run = run
        self.definition = definition
        self.key = key
        self.status = status
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.wakeAt = wakeAt
        self.note = note
    }
}

/// Which runs somebody wants to see.
public struct RunQuery: Hashable, Sendable {
    /// Only runs of this workflow.
    public var workflow: String?
    /// Only runs with this status.
    public var status: RunStatus?
    /// Only runs with smaller ids: where the previous page ended.
    public var before: RunID?
    /// How many at most (default: 50).
    public var limit = 50

    /// All runs, newest first.
    public init() {}

    /// All runs, adjusted.
    public init(_ adjust: (inout Self) -> Void) {
        self.init()
        adjust(&self)
    }
}
