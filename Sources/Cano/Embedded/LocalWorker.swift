// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
internal import Logging

/// The worker inside the process: runs leased work as child tasks, without a wire between.
final class LocalWorker: LeaseSession {
    let id = SessionID(rawValue: 1)
    let worker: WorkerID
    private let catalogue: WorkCatalogue
    private let host: EngineHost
    private let logger: Logger
    private let slots: Int
    private let interceptor: (any AttemptInterceptor)?
    private let orders = Mailbox<LeaseGrant>()
    private let checkpoints = CheckpointWaiters()
    private let running = Guarded<[LeaseRef: CancellationHandle]>([:])

    init(
        _ catalogue: WorkCatalogue,
        host: EngineHost,
        worker: WorkerID,
        configuration: EmbeddedRunner.Configuration,
        logger: Logger
    ) {
        self.catalogue = catalogue
        self.host = host
        self.worker = worker
        self.slots = configuration.slots
        self.interceptor = configuration.interceptor
        self.logger = logger
    }

    func deliver(_ deliveries: [Delivery]) -> [Delivery] {
        for delivery in deliveries {
            switch delivery {
            case .lease(let grant): self.orders.post(grant)
            case .stop(let lease), .lost(let lease): self.running.withLock { $0[lease] }?.cancel()
            case .checkpointed(let answer): self.checkpoints.answered(answer)
            // Reports go by a call inside the process: they cannot be lost, so their answers say nothing new.
            case .adopted, .answer, .left, .demand, .owned, .notOwner: break
            }
        }
        return []
    }

    /// Does leased work until the task is cancelled.
    func run() async {
        let capabilities = self.catalogue.definitions.map { Capability.compiled(digest: $0.digest) }
        self.host.connect(
            self,
            capabilities: capabilities + self.catalogue.builtIn.keys.sorted().map(Capability.handler)
        )
        self.host.credit(self.id, self.slots)
        await withDiscardingTaskGroup { group in
            while let grants = await self.orders.next() {
                self.host.started(grants.map(\.lease))
                for grant in grants { group.addTask { await self.perform(grant) } }
            }
            group.cancelAll()
        }
        self.host.disconnect(self.id, worker: self.worker)
    }

    private func perform(_ grant: LeaseGrant) async {
        let handle = CancellationHandle()
        self.running.withLock { $0[grant.lease] = handle }
        let result = await handle.run { await self.intercepted(grant) }
        self.running.withLock { $0[grant.lease] = nil }
        // A cancelled process says nothing: what it had begun is found again when the store is opened next.
        if Task.isCancelled { return }
        if let result {
            let report = AttemptReport(lease: grant.lease, result: result)
            self.host.reports([report], from: self.id, worker: self.worker)
        } else {
            self.host.dispatch { $0.ended(self.id, CollectionOfOne(grant.lease.key), effects: &$1) }
            self.host.lost([grant.lease], .workerGone)
        }
        self.host.credit(self.id, 1)
    }

    /// The result of an attempt; `nil` when nobody will report it.
    private func intercepted(_ grant: LeaseGrant) async -> AttemptReport.Result? {
        guard let interceptor = self.interceptor else { return await self.attempt(grant) }
        return await interceptor.perform(grant) { await self.attempt(grant) }
    }

    private func attempt(_ grant: LeaseGrant) async -> AttemptReport.Result {
        guard let handler = self.catalogue.handler(for: grant) else {
            let message =
                "this process has no handler '\(grant.handler)' for \(grant.definition); add the workflow to the runner"
            return .failed(Failure(code: "unknownHandler", message: message, isRetryable: false), retryAfter: nil)
        }
        let deadline = grant.timeout.map { ContinuousClock.now.advanced(by: $0.duration) }
        let pulse = Pulse(grant.heartbeat)
        let (checkpoints, host, id, worker) = (self.checkpoints, self.host, self.id, self.worker)
        let task = TaskContext(
            grant: grant,
            deadline: deadline,
            logger: self.logger,
            onProgress: { _ in pulse?.beat() },
            onCheckpoint: { cursor in
                pulse?.beat()
                try await checkpoints.checkpoint(grant.lease, cursor) {
                    host.checkpoints([$0], from: id, worker: worker)
                }
            }
        )
        guard deadline != nil || pulse != nil else { return await handler.perform(grant, task) }
        return await withTaskGroup(of: AttemptReport.Result?.self) { group in
            group.addTask { await handler.perform(grant, task) }
            if let deadline {
                group.addTask {
                    do { try await Task.sleep(until: deadline) } catch { return nil }
                    return LossReason.timeout.failure.map { .stopped($0) }
                }
            }
            if let pulse {
                group.addTask {
                    do { try await pulse.missed() } catch { return nil }
                    return LossReason.heartbeatMissed.failure.map { .stopped($0) }
                }
            }
            var result: AttemptReport.Result?
            // The slot is not free before the handler is really done, even when its word does not count any more.
            for await word in group {
                guard result == nil, let word else { continue }
                result = word
                group.cancelAll()
            }
            return result ?? .stopped(Failure(code: "cancelled", message: "the attempt was asked to stop"))
        }
    }
}

/// When an attempt last gave a sign of life.
private final class Pulse: Sendable {
    private let pause: Duration
    private let last = Guarded(ContinuousClock.now)

    /// `nil` when no sign of life is asked for.
    init?(_ pause: Span?) {
        guard let pause else { return nil }
        self.pause = pause.duration
    }

    func beat() { self.last.withLock { $0 = .now } }

    /// Returns when there was no sign of life for too long; throws when the attempt is over.
    func missed() async throws {
        while true {
            let due = self.last.withLock { $0 }.advanced(by: self.pause)
            if ContinuousClock.now >= due { return }
            try await Task.sleep(until: due)
        }
    }
}

/// Cancels one piece of work that runs as part of a task, not the task itself.
final class CancellationHandle: Sendable {
    private let bell = Mailbox<Void>()

    func cancel() {
        self.bell.post(())
    }

    /// Runs the work; it is cancelled when somebody calls ``cancel()``.
    func run<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
        await withTaskGroup(of: Value?.self) { group in
            group.addTask { await body() }
            group.addTask {
                if await self.bell.next() != nil { return nil }
                return nil
            }
            var value: Value?
            while value == nil, let next = await group.next() {
                // The bell first: the work is cancelled, and its last word is still awaited.
                if next == nil { group.cancelAll() }
                value = next ?? value
            }
            group.cancelAll()
            guard let value else { fatalError("the work ended without a value") }
            return value
        }
    }
}
