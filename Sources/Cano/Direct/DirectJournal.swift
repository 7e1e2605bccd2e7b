// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

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

        @inlinable
        init(_ run: DirectRun<W>) {
            self.state = run.state
            self.visit = run.visit
            self.context = run.context
        }
    }

    @usableFromInline let run: RunID
    /// When it began, for its total time.
    @usableFromInline let began: ContinuousClock.Instant
    @usableFromInline let entry: Guarded<Entry>

    @inlinable
    init(_ run: DirectRun<W>) {
        self.run = run.id
        self.began = .now
        self.entry = Guarded(Entry(run))
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
