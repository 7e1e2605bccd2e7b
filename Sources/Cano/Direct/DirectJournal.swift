// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import CanoEngine

/// Where one run is.
@usableFromInline
final class DirectJournal<W: Workflow>: Sendable {
    @usableFromInline
    struct Entry: Sendable {
        @usableFromInline var state: Int
        @usableFromInline var visit: Int
        @usableFromInline var context: W.Context
        /// The run while it is interrupted.
        @usableFromInline var parked: DirectRun<W>?
    }

    let run: RunID
    /// When it began, for its total time.
    @usableFromInline let began = ContinuousClock.now
    @usableFromInline let entry: Guarded<Entry>

    init(_ run: DirectRun<W>) {
        self.run = run.id
        self.entry = Guarded(Entry(state: run.state, visit: run.visit, context: run.context))
    }

    /// The run entered a state.
    @inlinable
    func save(state: Int, visit: Int, _ context: W.Context) {
        self.entry.withLock { entry in
            entry.state = state
            entry.visit = visit
            entry.context = context
        }
    }

    /// The run is interrupted.
    @usableFromInline
    func park(_ run: DirectRun<W>) {
        var run = run
        // The journal keeps the run now, not the other way round.
        run.journal = nil
        run.stopReason = nil
        run.isInterrupted = false
        self.entry.withLock { $0.parked = run }
    }

    func unpark() -> DirectRun<W>? {
        self.entry.withLock { entry in
            defer { entry.parked = nil }
            return entry.parked
        }
    }
}
