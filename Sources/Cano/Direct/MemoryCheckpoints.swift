// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// Keeps where the runs of an ``InMemoryRunner`` are, in the memory of this process and with their types.
///
/// A run whose task is cancelled is then interrupted instead of undone: it stays here as it is, and goes on from the
/// last state that it entered when somebody resumes it. A run that ended, well or not, is forgotten.
///
/// ```swift
/// let checkpoints = MemoryCheckpoints<IndexBooks>()
/// let index = Task { try await runner.run(.init(shelf: "poetry"), checkpoints: checkpoints) }
/// index.cancel()
/// _ = await index.result
/// for run in checkpoints.interrupted { try await runner.resume(run, checkpoints: checkpoints) }
/// ```
///
/// It costs well under a microsecond a state: nothing is encoded, nothing is written. What should outlive the process
/// belongs on a store, with an ``EmbeddedRunner``.
public final class MemoryCheckpoints<W: Workflow>: Sendable {
    /// Where a run is.
    public struct Checkpoint: Sendable {
        /// The run.
        public let run: RunID
        /// The state that it entered last.
        public let state: W.State
        /// The number of the visit; it rises with every state entered.
        public let visit: Int
        /// The context with which the state was entered.
        public let context: W.Context
    }

    /// How many runs may be kept that have not ended.
    public let limit: Int
    private let states = Array(W.State.allCases)
    @usableFromInline let journals = Guarded<[RunID: DirectJournal<W>]>([:])

    /// Makes an empty one.
    ///
    /// - Parameter limit: how many runs may be kept that have not ended, the interrupted ones included (default:
    ///   100,000); one more is refused with `limitExceeded`.
    public init(limit: Int = 100_000) {
        self.limit = limit
    }

    /// Where the runs are that have not ended, in the order of their ids: to the millisecond that in which they began.
    public var all: [Checkpoint] {
        self.sorted.map { self.checkpoint($0) }
    }

    /// Where a run is; `nil` when it has ended or never was here.
    public subscript(run: RunID) -> Checkpoint? {
        self.journals.withLock { $0[run] }.map { self.checkpoint($0) }
    }

    /// The runs that were interrupted and that nobody has resumed yet, in the same order.
    public var interrupted: [RunID] {
        self.sorted.filter { $0.entry.withLock { $0.parked != nil } }.map(\.run)
    }

    /// Forgets an interrupted run: nothing is undone.
    ///
    /// - Returns: whether there was such a run.
    @discardableResult
    public func discard(_ run: RunID) -> Bool {
        guard let journal = self.journals.withLock({ $0[run] }), journal.unpark() != nil else { return false }
        self.ended(run)
        return true
    }

    private var sorted: [DirectJournal<W>] {
        self.journals.withLock { Array($0.values) }.sorted { $0.run < $1.run }
    }

    private func checkpoint(_ journal: DirectJournal<W>) -> Checkpoint {
        let entry = journal.entry.withLock { $0 }
        return Checkpoint(
            run: journal.run,
            state: self.states[entry.state],
            visit: entry.visit,
            context: entry.context
        )
    }

    // MARK: For the runner

    /// Takes in a run that begins.
    @inlinable
    func begin(_ run: inout DirectRun<W>) throws {
        let journal = DirectJournal(run)
        try self.journals.withLock { journals throws(CanoError) in
            guard journals.count < self.limit else { throw Self.full(journals.count) }
            journals[journal.run] = journal
        }
        run.journal = journal
    }

    @usableFromInline
    static func full(_ count: Int) -> CanoError {
        CanoError(
            .limitExceeded,
            "\(count) runs of workflow '\(W.name)' have checkpoints and have not ended, and no more are allowed: "
                + "resume or discard those that were interrupted, or raise the limit of MemoryCheckpoints"
        )
    }

    /// Hands out an interrupted run.
    @usableFromInline
    func resume(_ run: RunID) throws -> DirectRun<W> {
        guard let journal = self.journals.withLock({ $0[run] }) else {
            throw CanoError(
                .unknownRun,
                "run \(run) of workflow '\(W.name)' has no checkpoint: it has ended, or it began without or elsewhere"
            )
        }
        guard var parked = journal.unpark() else {
            throw CanoError(.wrongState, "run \(run) is running already: only an interrupted run is resumed")
        }
        parked.journal = journal
        return parked
    }

    @inlinable
    func ended(_ run: RunID) {
        self.journals.withLock { _ = $0.removeValue(forKey: run) }
    }
}
