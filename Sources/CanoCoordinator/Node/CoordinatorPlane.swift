// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// Answers what operators and clients ask, from the engine's host and the gateway; notes verbs in the audit.
struct CoordinatorPlane: ControlPlane {
    let host: EngineHost
    let gateway: WorkerGateway

    func apply(_ definition: Definition, caller: Caller) async throws(CanoError) -> Bool {
        let isNew = try await self.host.register(definition)
        if isNew {
            try await self.note(caller, "apply", definition.key.description, after: definition.digest)
        }
        return isNew
    }

    func definitions() async throws(CanoError) -> [Definition] {
        try await self.host.store.definitions().sorted { ($0.name, $0.version) < ($1.name, $1.version) }
    }

    func start(_ requests: [StartRequest], caller: Caller) async throws(CanoError) -> [StartAnswer] {
        let limit = self.host.configuration.limits.startsPerRequest
        guard requests.count <= limit else {
            let message = "the request starts \(requests.count) runs, more than startsPerRequest (\(limit)); split it"
            throw CanoError(.limitExceeded, message)
        }
        return try await self.host.start(requests, caller: caller)
    }

    func run(_ id: RunID) async throws(CanoError) -> RunSummary { try await self.host.run(id) }

    func run(_ id: RunID, finishedWithin timeout: Span) async throws(CanoError) -> RunSummary {
        try await self.host.run(id, finishedWithin: timeout)
    }

    func runs(_ query: RunQuery) async throws(CanoError) -> [RunSummary] {
        try await self.host.store.summaries(query)
    }

    func history(of run: RunID, after: Int, limit: Int) async throws(CanoError) -> [HistoryRow] {
        try await self.host.store.history(of: run, after: after, limit: limit)
    }

    func liveLeases(of run: RunID) async -> [LiveLease] { self.gateway.leases(of: run) }

    func liveWaits(of run: RunID) async -> [LimitWait] { self.host.waits(of: run) }

    func force(breaker name: String, _ force: BreakerForce, caller: Caller) async throws(CanoError) {
        guard self.host.force(breaker: name, force) else {
            let message = "no work has declared a breaker '\(name)' here; the run that waits for it shows its name"
            throw CanoError(.unknownLimit, message)
        }
        try await self.note(caller, "breaker", name, after: force.rawValue)
    }

    func cancel(_ run: RunID, caller: Caller) async throws(CanoError) -> RunSummary {
        try await self.host.cancel(run, caller: caller)
    }

    func workers() async -> [WorkerSummary] { self.gateway.workers }

    func readiness() async -> Readiness {
        let owned = self.host.owned.count
        do { _ = try await self.host.store.now() } catch {
            return Readiness(isReady: false, detail: error.message, ownedShards: owned)
        }
        guard owned > 0 else {
            return Readiness(isReady: false, detail: "standing by: another coordinator owns the shards", ownedShards: 0)
        }
        return Readiness(isReady: true, detail: "owns \(owned) of \(ShardID.count) shards", ownedShards: owned)
    }

    private func note(
        _ caller: Caller,
        _ action: String,
        _ target: String,
        after: String?
    ) async throws(CanoError) {
        let entry = AuditEntry(
            at: self.host.clock.now(),
            actor: caller.name,
            via: caller.via,
            action: action,
            target: target,
            after: after
        )
        try await self.host.store.record(entry)
    }
}
