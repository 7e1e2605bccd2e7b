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
    private let outcomes = Mailbox<AttemptReport>()
    private let tasks = RunningTasks()
    /// Leases whose tasks the host wants stopped.
    private let stopping = Guarded<Set<LeaseRef>>([])

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
        var grants: [LeaseGrant] = []
        for delivery in deliveries {
            switch delivery {
            case .lease(let grant): grants.append(grant)
            case .stop(let lease), .lost(let lease): self.stop(lease)
            case .checkpointed(let answer): self.checkpoints.answered(answer)
            // Reports go by a call inside the process and cannot be lost: their answers only say that all is over.
            case .answer(let answer): self.forget(answer.lease)
            case .adopted, .left, .demand, .owned, .notOwner: break
            }
        }
        if !grants.isEmpty { self.host.time.busy(grants.count) }
        self.orders.post(contentsOf: grants)
        return []
    }

    private func stop(_ lease: LeaseRef) {
        self.stopping.withLock { _ = $0.insert(lease) }
        self.tasks.cancel([lease])
    }

    private func forget(_ lease: LeaseRef) {
        guard self.stopping.withLock({ $0.remove(lease) }) != nil else { return }
        self.tasks.forget(lease)
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
            group.addTask { await self.report() }
            // Work that never suspends runs where it is taken up, so there is one who takes it up for each core.
            for _ in 0..<Cores.count { group.addTask { await self.takeUp() } }
        }
        self.host.disconnect(self.id, worker: self.worker)
    }

    /// Begins leased work, one piece after the other.
    ///
    /// It runs here until it suspends for the first time: what never does costs no hop to another thread.
    private func takeUp() async {
        await withDiscardingTaskGroup { group in
            var breather = Breather()
            while let grants = await self.orders.next(atMost: 1) {
                for grant in grants {
                    group.addImmediateTask { await self.perform(grant) }
                    // Nobody needs to know that work began which has ended.
                    if self.tasks.isRunning(grant.lease) { self.host.started([grant.lease]) }
                }
                await breather.breathe()
            }
            group.cancelAll()
        }
    }

    /// Tells the host what became of the work, as many ends at a time as there are.
    private func report() async {
        while let reports = await self.outcomes.next() {
            self.host.reports(reports, from: self.id, worker: self.worker)
            self.host.credit(self.id, reports.count)
            self.host.time.busy(-reports.count)
        }
    }

    private func perform(_ grant: LeaseGrant) async {
        let result = await self.tasks.run(grant.lease) { await self.intercepted(grant) }
        // A cancelled process says nothing: what it had begun is found again when the store is opened next.
        if Task.isCancelled, !self.stopping.withLock({ $0.contains(grant.lease) }) {
            return self.host.time.busy(-1)
        }
        if let result {
            // Busy until it is reported.
            self.outcomes.post(AttemptReport(lease: grant.lease, result: result))
        } else {
            self.host.started([grant.lease])
            self.host.dispatch { $0.ended(self.id, CollectionOfOne(grant.lease.key), effects: &$1) }
            self.host.lost([grant.lease], .workerGone)
            self.host.credit(self.id, 1)
            self.host.time.busy(-1)
        }
    }

    /// The result of an attempt; `nil` when nobody will report it.
    private func intercepted(_ grant: LeaseGrant) async -> AttemptReport.Result? {
        guard let interceptor = self.interceptor else { return await self.traced(grant) }
        return await interceptor.perform(grant) { await self.traced(grant) }
    }

    private func traced(_ grant: LeaseGrant) async -> AttemptReport.Result {
        await self.host.configuration.telemetry.attempt(grant) { await self.attempt(grant) }
    }

    private func attempt(_ grant: LeaseGrant) async -> AttemptReport.Result {
        guard let handler = self.catalogue.handler(for: grant) else {
            let message =
                "this process has no handler '\(grant.handler)' for \(grant.definition); add the workflow to the runner"
            return .failed(Failure(code: "unknownHandler", message: message, isRetryable: false), retryAfter: nil)
        }
        let deadline = grant.timeout.map { self.host.time.now.advanced(by: $0.duration) }
        let pulse = Pulse(grant.heartbeat, by: self.host.time)
        let (checkpoints, host, id, worker) = (self.checkpoints, self.host, self.id, self.worker)
        let task = TaskContext(
            grant: grant,
            deadline: deadline,
            logger: self.logger,
            time: self.host.time.forAttempt(),
            onProgress: { _ in pulse?.beat() },
            onCheckpoint: { cursor in
                pulse?.beat()
                try await checkpoints.checkpoint(grant.lease, cursor) {
                    host.checkpoints([$0], from: id, worker: worker)
                }
            }
        )
        guard deadline != nil || pulse != nil else { return await handler.perform(grant, task) }
        let late = Guarded(0)
        // The work is busy until it has heard that its time is up, so that a test's time stands until then.
        defer { self.host.time.busy(-late.withLock { $0 }) }
        return await withTaskGroup(of: AttemptReport.Result?.self) { group in
            group.addTask { await handler.perform(grant, task) }
            if let deadline {
                group.addTask {
                    let time = self.host.time
                    do { try await time.sleep(until: deadline, for: .work, releasing: 0) } catch { return nil }
                    late.withLock { $0 += 1 }
                    return LossReason.timeout.failure.map { .stopped($0) }
                }
            }
            if let pulse {
                group.addTask {
                    do { try await pulse.missed() } catch { return nil }
                    late.withLock { $0 += 1 }
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
    private let time: any HostTime
    private let last: Guarded<ContinuousClock.Instant>

    /// `nil` when no sign of life is asked for.
    init?(_ pause: Span?, by time: any HostTime) {
        guard let pause else { return nil }
        self.pause = pause.duration
        self.time = time
        self.last = Guarded(time.now)
    }

    func beat() { self.last.withLock { $0 = self.time.now } }

    /// Returns when there was no sign of life for too long, busy with that; throws when the attempt is over.
    func missed() async throws {
        var busy = 0
        while true {
            let due = self.last.withLock { $0 }.advanced(by: self.pause)
            if busy > 0, self.time.now >= due { return }
            try await self.time.sleep(until: due, for: .work, releasing: busy)
            busy = 1
        }
    }
}
