// SPDX-License-Identifier: Apache-2.0 OR MIT

public import Cano
import CanoEngine

/// What a test does to the attempts of a runner: planned faults, and the death of the process.
struct Saboteur: AttemptInterceptor {
    var faults: TaskFaults?
    var store: CrashingStore?

    func perform(
        _ grant: LeaseGrant,
        _ body: () async -> AttemptReport.Result
    ) async -> AttemptReport.Result? {
        let (isRun, isHeard) = self.store?.beginAttempt() ?? (true, true)
        guard isRun else { return await self.die() }
        let result = await self.attempt(grant, body)
        guard isHeard else {
            self.store?.crash()
            return await self.die()
        }
        return result
    }

    private func attempt(
        _ grant: LeaseGrant,
        _ body: () async -> AttemptReport.Result
    ) async -> AttemptReport.Result? {
        switch self.faults?.take(for: grant) {
        case nil: return await body()
        case .fail(let failure, let retryAfter): return .failed(failure, retryAfter: retryAfter)
        case .lose(.beforeRunning): return nil
        case .lose(.afterRunning):
            _ = await body()
            return nil
        }
    }

    private func die() async -> AttemptReport.Result? {
        _ = await self.store?.silence()
        return nil
    }
}

extension EmbeddedRunner.Configuration {
    /// Failures and losses of attempts that a test plans.
    public var faults: TaskFaults? {
        get { self.saboteur.faults }
        set { self.saboteur.faults = newValue }
    }

    /// Lets the runner die with a crashing store: attempts count as points, and no lease is waited for.
    ///
    /// - Parameter store: the store that the runner is opened on.
    public mutating func crash(with store: CrashingStore) {
        self.saboteur.store = store
        // Leases of a dead process that runs nowhere are not worth listening for.
        self.limits.listenTime = Span(milliseconds: 0)
    }

    private var saboteur: Saboteur {
        get { self.interceptor as? Saboteur ?? Saboteur() }
        set { self.interceptor = newValue }
    }
}
