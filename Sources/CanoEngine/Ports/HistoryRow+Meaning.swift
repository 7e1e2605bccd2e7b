// SPDX-License-Identifier: Apache-2.0 OR MIT

extension HistoryRow.Kind {
    /// Whether a resumed run begins at its last record of this kind.
    package var isEntry: Bool {
        switch self {
        case .started, .entered, .migrated: true
        case .expanded, .branchDone, .joined, .attemptFailed, .attemptLost, .attemptHeld, .sagaPushed, .compensating,
            .compensated, .cancelRequested, .finished, .signalled, .childStarted, .childEnded, .intervened,
            .stepCursor, .checkpoint:
            false
        }
    }

    /// Whether a state behind a record of this kind may be handed its content: see ``HistoryRow/split``.
    package var isDelivered: Bool {
        switch self {
        case .branchDone, .signalled, .childEnded: true
        case .started, .entered, .migrated, .expanded, .joined, .attemptFailed, .attemptLost, .attemptHeld,
            .sagaPushed, .compensating, .compensated, .cancelRequested, .finished, .childStarted, .intervened,
            .stepCursor, .checkpoint:
            false
        }
    }

    /// Whether a token in a record of this kind says that the lease's outcome was accepted.
    ///
    /// A lost attempt has no outcome, and one that is held has none yet.
    package var isOutcome: Bool {
        switch self {
        case .entered, .expanded, .branchDone, .attemptFailed, .sagaPushed, .compensated, .finished, .childStarted,
            .stepCursor:
            true
        case .started, .joined, .attemptLost, .attemptHeld, .compensating, .cancelRequested, .signalled, .childEnded,
            .intervened, .migrated, .checkpoint:
            false
        }
    }

    /// Whether a record of this kind may be removed when a newer one replaces it.
    package var isCursor: Bool { self == .stepCursor || self == .checkpoint }
}

extension HistoryRow {
    /// The number of the record that this one replaces: it is removed in the commit that writes this one.
    package var replaced: Int? { self.kind.isCursor ? self.split?.lowerBound : nil }

    /// Whether this record carries the accepted outcome of a lease.
    ///
    /// A token is given away once, so it decides; a record that names no path (a state entered) matches by it alone.
    package func isOutcome(of token: Token, path: WorkPath) -> Bool {
        self.kind.isOutcome && self.token == token && (self.path == nil || self.path == path.description)
    }
}
