// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// A handle on a run of an embedded runner.
public struct EmbeddedRun<W: Workflow>: Sendable {
    /// The run.
    public let id: RunID
    /// Whether this call created it; false when the key named it already.
    public let isNew: Bool
    let host: EngineHost

    /// Waits for the end of the run.
    ///
    /// - Returns: the exit state and the context at the end.
    /// - Throws: `runFailed` or `cancelled` when the run ended without success, with the reason; `unknownRun`.
    public func outcome() async throws -> RunResult<W> {
        while true {
            let summary = try await self.host.run(self.id, finishedWithin: .seconds(60))
            guard summary.status.isFinished else {
                try Task.checkCancellation()
                continue
            }
            return try await self.result(summary)
        }
    }

    /// What the run is doing, or how it ended.
    ///
    /// - Throws: `unknownRun`.
    public func status() async throws -> RunStatus {
        try await self.host.run(self.id).status
    }

    /// The declared limits that hold up the run's work now; empty when none does.
    public func waits() -> [LimitWait] {
        self.host.waits(of: self.id)
    }

    /// Asks the run to end: what it did is undone.
    ///
    /// Does nothing when it is over.
    ///
    /// - Parameter reason: who wants it, for the history.
    /// - Throws: `unknownRun`.
    public func cancel(by reason: String = "library") async throws {
        _ = try await self.host.cancel(self.id, caller: Caller(name: reason, via: "library"))
    }

    private func result(_ summary: RunSummary) async throws -> RunResult<W> {
        var after = 0
        var last: HistoryRow?
        while true {
            let page = try await self.host.store.history(of: self.id, after: after, limit: 1000)
            guard let row = page.last else { break }
            (last, after) = (row, row.seq)
        }
        guard let last, case .finished(let outcome, let finish) = try last.record() else {
            throw CanoError(.storeCorrupt, "run \(self.id) ended without a last record; restore the store")
        }
        if let error = CanoError(outcome, of: self.id) { throw error }
        guard let state = finish.state.flatMap(W.State.init(rawValue:)) else {
            throw CanoError(.storeCorrupt, "run \(self.id) ended in a state that \(W.name) does not have")
        }
        return RunResult(
            state: state,
            context: try finish.context.decoded(as: W.Context.self, what: "the last context of run \(self.id)")
        )
    }
}

/// How a run ended that succeeded.
public struct RunResult<W: Workflow>: Sendable {
    /// The exit that it reached.
    public let state: W.State
    /// The context at the end.
    public let context: W.Context
}
