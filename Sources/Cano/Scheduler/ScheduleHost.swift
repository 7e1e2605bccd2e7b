// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// What a scheduler needs of the world: time, and runs.
package protocol ScheduleHost: Sendable {
    /// What time it is.
    func now() -> Instant
    /// Returns at that time, or earlier; at once when the task is cancelled.
    func sleep(until instant: Instant) async
    /// Starts a run, or finds the one that has the key.
    func start(_ workflow: DefinitionKey, key: String, context: Payload) async throws(CanoError) -> RunID
    /// How a run ended, as soon as it has; `nil` when the task is cancelled first.
    func end(of run: RunID) async throws(CanoError) -> Schedule.RunEnd?
    /// Asks a run to end.
    func cancel(_ run: RunID) async throws(CanoError)
    /// A number that nobody else has.
    func number() -> UInt64
}

/// Runs on the engine of this process.
struct EngineScheduleHost: ScheduleHost {
    let host: EngineHost

    func now() -> Instant { self.host.clock.now() }

    func sleep(until instant: Instant) async {
        // The store's clock may be corrected meanwhile: nobody sleeps longer than that on one reading of it.
        let longest = ContinuousClock.now.advanced(by: .seconds(10))
        let deadline = min(self.host.clock.local(instant), longest)
        // A cancelled sleep is what we want when something earlier came up.
        try? await Task.sleep(until: deadline, tolerance: .zero)
    }

    func start(_ workflow: DefinitionKey, key: String, context: Payload) async throws(CanoError) -> RunID {
        var request = StartRequest(workflow: workflow.name, version: workflow.version, key: key, context: context)
        request.trace = self.host.configuration.telemetry.startTrace(of: workflow.name)
        let caller = Caller(name: "schedule", via: "library")
        switch try await self.host.start([request], caller: caller).first {
        case .created(let run), .existing(let run): return run
        case .refused(let error): throw error
        case nil: throw CanoError(.shuttingDown, "the runner is stopping; the tick is started when it runs again")
        }
    }

    func end(of run: RunID) async throws(CanoError) -> Schedule.RunEnd? {
        while !Task.isCancelled {
            let summary = try await self.host.run(run, finishedWithin: .seconds(60))
            switch summary.status {
            case .active, .waiting, .compensating, .blocked: continue
            case .succeeded: return .succeeded
            case .failed, .timedOut: return .failed(summary.note ?? "it ended as \(summary.status.name)")
            case .cancelled: return .cancelled(isClean: try await self.isClean(run))
            }
        }
        return nil
    }

    func cancel(_ run: RunID) async throws(CanoError) {
        _ = try await self.host.cancel(run, caller: Caller(name: "schedule", via: "library"))
    }

    func number() -> UInt64 { self.host.random.withLock { $0.next() } }

    /// Whether everything that the run did could be undone.
    private func isClean(_ run: RunID) async throws(CanoError) -> Bool {
        var after = 0
        while true {
            let page = try await self.host.store.history(of: run, after: after, limit: 1000)
            guard let row = page.last else { return true }
            if row.kind == .finished { return row.number ?? 0 == 0 }
            after = row.seq
        }
    }
}
