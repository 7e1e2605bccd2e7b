// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A record in the flat form that stores keep: one row with named columns, readable in `psql` and `sqlite3`.
///
/// ``init(_:run:seq:at:)`` and ``record()`` translate; golden files pin the translation, so that old rows stay
/// readable for ever.
public struct HistoryRow: Hashable, Sendable {
    /// What kind of record it is; numbers are never reused.
    public enum Kind: Int16, Hashable, Sendable, CaseIterable {
        case started = 1
        case entered = 2
        case expanded = 3
        case branchDone = 4
        case joined = 5
        case attemptFailed = 6
        case attemptLost = 7
        case attemptHeld = 8
        case sagaPushed = 9
        case compensating = 10
        case compensated = 11
        case cancelRequested = 12
        case finished = 13
        case stepCursor = 14
        case checkpoint = 15
        case signalled = 20
        case childStarted = 21
        case childEnded = 22
        case intervened = 23
        case migrated = 24

        /// The name that views show.
        public var name: String { "\(self)" }
    }

    /// The run.
    public var run: RunID
    /// The record's number within the run, from 1, without gaps but for cursors that were replaced.
    public var seq: Int
    /// The kind of record.
    public var kind: Kind
    /// When it was decided, by the database's clock.
    public var at: Instant
    /// The state it is about.
    public var state: String?
    /// The visit it is about; 0 when it is about none.
    public var visit = 0
    /// The work it is about, as ``WorkPath/description``; several paths are ranges separated by commas, for people.
    public var path: String?
    /// The attempt's number; 0 when it is about none.
    public var attempt = 0
    /// The lease's token.
    public var token: Token?
    /// Who held the lease.
    public var worker: String?
    /// When the lease was granted.
    public var startedAt: Instant?
    /// When something is due that this record set: a retry, a timer, a join, a deadline.
    public var due: Instant?
    /// A short reason: a failure's code, a decision, a loss.
    ///
    /// Where ``number`` is taken by something else (`compensated`, `finished`), a failure's code stands behind
    /// `failed:`, or behind `gaveUp:` when the failure was retryable.
    public var reason: String?
    /// One line about the reason, for people.
    public var detail: String?
    /// A number whose meaning the kind gives: a failure that is retryable (1), in doubt (2) or both (3), an undo entry,
    /// entries not undone, the branches of the split that led here, the cursors that were removed.
    public var number: Int64?
    /// The first and last sequence number of the records that this one refers to: of the split that led here, of the
    /// signal or the child's end, when ``reason`` says so, or of the cursor that it replaces.
    public var split: ClosedRange<Int>?
    /// The user's bytes that belong to it.
    public var payload: Payload?

    /// A row with the columns that every row has.
    public init(run: RunID, seq: Int, kind: Kind, at: Instant) {
        self.run = run
        self.seq = seq
        self.kind = kind
        self.at = at
    }
}
