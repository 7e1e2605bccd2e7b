// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

extension GraphTrail {
    /// The way that a run took, from its whole timeline.
    ///
    /// Entries of kinds that this version does not know are passed over.
    public init(_ timeline: [TimelineEntry]) {
        self.init()
        for entry in timeline {
            if let mark = Self.mark(of: entry) { self.add(mark) }
        }
    }

    private static func mark(of entry: TimelineEntry) -> Mark? {
        guard let kind = HistoryRow.Kind.allCases.first(where: { $0.name == entry.kind }) else { return nil }
        switch kind {
        case .started, .entered, .migrated:
            return entry.state.map(Mark.entered)
        case .branchDone:
            guard entry.reason == nil, let index = Self.branch(of: entry) else { return nil }
            return .branchDone(index: index)
        case .sagaPushed:
            return entry.state.map { .pushed(seq: entry.seq, state: $0, branch: Self.branch(of: entry)) }
        case .compensated:
            guard entry.reason == nil, let path = entry.path else { return nil }
            return Int(path.drop { !$0.isNumber }).map { .undone(seq: $0) }
        case .finished:
            return .ended(state: entry.state, hasSucceeded: entry.reason == RunStatus.succeeded.name)
        case .expanded, .joined, .attemptFailed, .attemptLost, .attemptHeld, .compensating, .cancelRequested,
            .signalled, .childStarted, .childEnded, .intervened, .stepCursor, .checkpoint:
            return nil
        }
    }

    private static func branch(of entry: TimelineEntry) -> Int? {
        guard case .branch(let index)? = entry.path.flatMap(WorkPath.init) else { return nil }
        return index
    }
}
