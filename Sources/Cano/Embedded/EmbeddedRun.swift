// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// A handle on a run of an embedded runner.
public struct EmbeddedRun<W: Workflow>: Sendable {
    /// The run.
    public let id: RunID
    /// Whether this call created it; false when the key named it already.
    public let isNew: Bool
    let host: EngineHost
    /// When the run had not been created yet; `nil` when it may have ended before the call.
    var before: FinishWaiters.Moment?

    /// Waits for the end of the run.
    ///
    /// - Returns: the exit state and the context at the end.
    /// - Throws: `runFailed` or `cancelled` when the run ended without success, with the reason; `unknownRun`.
    public func outcome() async throws -> RunResult<W> {
        while true {
            // Taken before the store is asked, so that no end falls between.
            let ticket = FinishTicket(self.host.finishes, self.id)
            defer { ticket.cancel() }
            if let end = self.host.finishes.end(of: self.id) { return try self.result(of: end) }
            // Its end would be remembered here, so that the store need not be asked.
            let goesOn = self.before.map(self.host.finishes.remembersAll) ?? false
            if !goesOn, try await self.host.run(self.id).status.isFinished { return try await self.storedResult() }
            try Task.checkCancellation()
            if let end = await ticket.end(by: self.host.time) { return try self.result(of: end) }
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

    /// Tells the run something: a wait for the signal takes it, now or when it is reached.
    ///
    /// - Parameters:
    ///   - signal: the signal.
    ///   - payload: what it says.
    ///   - id: what makes it the same signal when it is sent again; `nil` when every sending counts.
    /// - Returns: false when the id was known, so that nothing changed.
    /// - Throws: `unknownRun`; `wrongState` when the run is over or ends; `invalidInput` when its workflow waits for no
    ///   such signal; `limitExceeded` when it keeps too many already.
    @discardableResult
    public func signal<Payload>(_ signal: Signal<Payload>, _ payload: Payload, id: String? = nil) async throws -> Bool {
        let bytes = try CanoEngine.Payload(encoding: payload, what: "the signal '\(signal.name)'")
        return try await self.order(.signal(RunSignal(name: signal.name, payload: bytes, id: id)))
    }

    /// Tries work again that only a person can move: an undo that failed, a step whose worker died too often.
    ///
    /// - Parameter note: why, for the history.
    /// - Throws: `unknownRun`; `wrongState` when nothing of the run is blocked.
    public func retry(note: String? = nil) async throws {
        try await self.order(.intervene(Intervention(.retry, note: note)))
    }

    /// Gives up work that only a person can move: a step fails for good, an undo stays undone, a child is not awaited.
    ///
    /// - Parameter note: why, for the history.
    /// - Throws: `unknownRun`; `wrongState` when nothing of the run is blocked.
    public func skip(note: String? = nil) async throws {
        try await self.order(.intervene(Intervention(.skip, note: note)))
    }

    /// Says that work which only a person can move was done by hand.
    ///
    /// - Parameters:
    ///   - note: how, for the history.
    ///   - context: the context from here on, for a step; `nil` when it stays.
    ///   - next: the state that follows, for a step that may choose; `nil` for the only one.
    /// - Throws: `unknownRun`; `wrongState` when nothing of the run is blocked.
    public func resolve(note: String, context: W.Context? = nil, to next: W.State? = nil) async throws {
        let payload = try context.map { try Payload(encoding: $0, what: "the context of \(W.name)") }
        let verb = Intervention(.resolve, note: note, output: payload, next: next?.rawValue)
        try await self.order(.intervene(verb))
    }

    @discardableResult
    private func order(_ verb: RunVerb) async throws -> Bool {
        let caller = Caller(name: self.host.configuration.me.rawValue, via: "library")
        return try await self.host.order(verb, for: self.id, caller: caller) != .unchanged
    }

    private func storedResult() async throws -> RunResult<W> {
        let limit = 1000
        var last: HistoryRow?
        while true {
            let page = try await self.host.store.history(of: self.id, after: last?.seq ?? 0, limit: limit)
            last = page.last ?? last
            if page.count < limit { break }
        }
        guard let last, case .finished(let outcome, let finish) = try last.record() else {
            throw CanoError(.storeCorrupt, "run \(self.id) ended without a last record; restore the store")
        }
        return try self.result(of: RunEnd(outcome: outcome, finish: finish))
    }

    private func result(of end: RunEnd) throws -> RunResult<W> {
        if let error = CanoError(end.outcome, of: self.id) { throw error }
        guard let state = end.finish.state.flatMap(W.State.init(rawValue:)) else {
            throw CanoError(.storeCorrupt, "run \(self.id) ended in a state that \(W.name) does not have")
        }
        return RunResult(
            state: state,
            context: try end.finish.context.decoded(as: W.Context.self, what: "the last context of run \(self.id)")
        )
    }
}

/// How a run ended that succeeded.
public struct RunResult<W: Workflow>: Sendable {
    /// The exit that it reached.
    public let state: W.State
    /// The context at the end.
    public let context: W.Context

    @usableFromInline
    init(state: W.State, context: W.Context) {
        self.state = state
        self.context = context
    }
}
