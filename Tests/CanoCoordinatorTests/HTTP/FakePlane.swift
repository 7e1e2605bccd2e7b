// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// A control plane in memory that remembers what it was asked.
final class FakePlane: ControlPlane {
    struct State {
        var definitions: [Definition] = []
        var runs: [RunID: RunSummary] = [:]
        var history: [RunID: [HistoryRow]] = [:]
        var leases: [LiveLease] = []
        var held: [LimitWait] = []
        var workers: [WorkerSummary] = []
        var readiness = Readiness(isReady: true, detail: "64 shards", ownedShards: 64)
        var starts: [StartRequest] = []
        var callers: [Caller] = []
        var waits: [Span] = []
        var queries: [RunQuery] = []
        var failure: CanoError?
        var finishOnWait = false
        var rowsRead = 0
        var nextRun: UInt64 = 0
    }

    static let epoch = Instant(microseconds: 1_795_364_100_250_000)

    private let guarded = Guarded(State())

    var state: State { self.guarded.withLock { $0 } }

    func change(_ body: (inout State) -> Void) {
        self.guarded.withLock { body(&$0) }
    }

    private func refuseIfAsked() throws(CanoError) {
        if let failure = self.state.failure { throw failure }
    }

    func apply(_ definition: Definition, caller: Caller) async throws(CanoError) -> Bool {
        try self.refuseIfAsked()
        return try self.guarded.withLock { state throws(CanoError) in
            state.callers.append(caller)
            if let known = state.definitions.first(where: { $0.key == definition.key }) {
                guard known == definition else {
                    throw CanoError(.definitionChanged, "\(definition.key) exists with another digest")
                }
                return false
            }
            state.definitions.append(definition)
            return true
        }
    }

    func definitions() async throws(CanoError) -> [Definition] { self.state.definitions }

    func start(_ requests: [StartRequest], caller: Caller) async throws(CanoError) -> [StartAnswer] {
        try self.refuseIfAsked()
        return self.guarded.withLock { state in
            state.callers.append(caller)
            return requests.map { Self.start($0, &state) }
        }
    }

    private static func start(_ request: StartRequest, _ state: inout State) -> StartAnswer {
        state.starts.append(request)
        if request.workflow == "unknown" {
            return .refused(CanoError(.unknownWorkflow, "nobody has registered 'unknown'"))
        }
        if let key = request.key, let known = state.runs.values.first(where: { $0.key == key }) {
            return .existing(known.run)
        }
        state.nextRun += 1
        let run = RunID(at: Self.epoch, shard: ShardID(rawValue: 7), random: (state.nextRun, state.nextRun))
        let definition = DefinitionKey(name: request.workflow, version: request.version ?? 1)
        state.runs[run] = RunSummary(
            run: run,
            definition: definition,
            key: request.key,
            status: .active,
            startedAt: Self.epoch
        )
        var row = HistoryRow(run: run, seq: 1, kind: .started, at: Self.epoch)
        row.state = "begin"
        row.visit = 1
        row.payload = request.context ?? .emptyObject
        state.history[run] = [row]
        return .created(run)
    }

    func run(_ id: RunID) async throws(CanoError) -> RunSummary {
        try self.refuseIfAsked()
        guard let run = self.state.runs[id] else { throw CanoError(.unknownRun, "there is no run \(id)") }
        return run
    }

    func run(_ id: RunID, finishedWithin timeout: Span) async throws(CanoError) -> RunSummary {
        self.change { state in
            state.waits.append(timeout)
            if state.finishOnWait { state.runs[id]?.status = .succeeded }
        }
        return try await self.run(id)
    }

    func runs(_ query: RunQuery) async throws(CanoError) -> [RunSummary] {
        self.change { $0.queries.append(query) }
        let newest = self.state.runs.values.sorted { $0.run > $1.run }
        let page = newest.filter { run in query.before.map { run.run < $0 } ?? true }
        return Array(page.prefix(query.limit))
    }

    func history(of run: RunID, after: Int, limit: Int) async throws(CanoError) -> [HistoryRow] {
        self.guarded.withLock { state in
            let rows = Array((state.history[run] ?? []).dropFirst(after).prefix(limit))
            state.rowsRead += rows.count
            return rows
        }
    }

    /// Gives a run branches that are done, until it has so many records.
    func grow(_ run: RunID, to records: Int) {
        self.change { state in
            for seq in stride(from: (state.history[run]?.count ?? 0) + 1, through: records, by: 1) {
                state.history[run]?.append(HistoryRow(run: run, seq: seq, kind: .branchDone, at: Self.epoch))
            }
        }
    }

    /// Ends a run with one more record.
    func finish(_ run: RunID, state name: String, context: Payload) {
        self.change { state in
            let seq = (state.history[run]?.count ?? 0) + 1
            var row = HistoryRow(run: run, seq: seq, kind: .finished, at: Self.epoch)
            row.state = name
            row.payload = context
            state.history[run]?.append(row)
            state.runs[run]?.status = .succeeded
        }
    }

    func liveLeases(of run: RunID) async -> [LiveLease] { self.state.leases }

    func liveWaits(of run: RunID) async -> [LimitWait] { self.state.held }

    func force(breaker name: String, _ force: BreakerForce, caller: Caller) async throws(CanoError) {
        guard name == "pay" else { throw CanoError(.unknownLimit, "no breaker '\(name)'") }
        self.change { $0.callers.append(caller) }
    }

    func cancel(_ run: RunID, caller: Caller) async throws(CanoError) -> RunSummary {
        self.change { $0.callers.append(caller) }
        return try await self.run(run)
    }

    func workers() async -> [WorkerSummary] { self.state.workers }

    func readiness() async -> Readiness { self.state.readiness }
}
