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
    /// Whether attempts have neither an interceptor nor a tracer around them.
    private let isPlain: Bool
    private let checkpoints = CheckpointWaiters()
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
        self.isPlain = configuration.interceptor == nil && host.configuration.telemetry.tracer == nil
        self.logger = logger
    }

    func deliver(_ deliveries: [Delivery]) -> [Delivery] {
        var grants: [LeaseGrant] = []
        var stops: [LeaseRef] = []
        for delivery in deliveries {
            switch delivery {
            case .lease(let grant): grants.append(grant)
            case .stop(let lease), .lost(let lease): stops.append(lease)
            case .checkpointed(let answer): self.checkpoints.answered(answer)
            case .answer, .adopted, .left, .demand, .owned, .notOwner: break
            }
        }
        // In this order: a delivery may have the stop of an attempt, and the answer to its report behind it.
        if !stops.isEmpty { self.stop(stops) }
        self.forgetAnswered(deliveries)
        if !grants.isEmpty { self.host.time.busy(grants.count) }
        self.host.turns.order(grants)
        return []
    }

    private func stop(_ leases: [LeaseRef]) {
        self.stopping.withLock { $0.formUnion(leases) }
        self.tasks.cancel(leases)
    }

    /// Reports go by a call inside the process and cannot be lost: their answers only say that all is over.
    private func forgetAnswered(_ deliveries: [Delivery]) {
        guard self.stopping.withLock({ !$0.isEmpty }) else { return }
        for case .answer(let answer) in deliveries {
            let wasStopped = self.stopping.withLock { $0.remove(answer.lease) != nil }
            if wasStopped { self.tasks.forget(answer.lease) }
        }
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
            // Work that never suspends runs where it is taken up, so there is one who takes it up for each core.
            for _ in 0..<Cores.count { group.addTask { await self.takeTurns() } }
        }
        self.host.disconnect(self.id, worker: self.worker)
    }

    /// Drives shards and begins leased work, one piece after the other.
    ///
    /// Work runs here until it suspends for the first time: what never does costs no hop to another thread.
    private func takeTurns() async {
        let turns = self.host.turns
        await withDiscardingTaskGroup { group in
            var breather = Breather()
            turns.arrive(.worker)
            while let turn = await turns.next(.worker, &breather) {
                switch turn {
                case .drive(let shell): shell.drive()
                case .perform(let grant):
                    let footing = Footing()
                    group.addImmediateTask { await self.perform(grant, footing) }
                    turns.arrive(.worker)
                    // Nobody needs to know that work began which has ended.
                    if let end = footing.leave() { self.tell(end) } else { self.host.started([grant.lease]) }
                }
                if breather.isTired { await breather.rest() }
            }
            group.cancelAll()
        }
    }

    private func perform(_ grant: LeaseGrant, _ footing: Footing) async {
        // Every function that may suspend has a frame of its own, so nobody goes through one for nothing.
        let isPlain = self.isPlain
        let result = await self.tasks.run(grant.lease) {
            isPlain ? await self.attempt(grant) : await self.intercepted(grant)
        }
        let end: Footing.End
        if Task.isCancelled, !self.stopping.withLock({ $0.contains(grant.lease) }) {
            // A cancelled process says nothing: what it had begun is found again when the store is opened next.
            end = .silent
        } else {
            end = result.map { .reported(AttemptReport(lease: grant.lease, result: $0)) } ?? .vanished(grant.lease)
        }
        if !footing.ends(end) { self.tell(end) }
    }

    /// Tells the host what became of the work, which is busy until then.
    private func tell(_ end: Footing.End) {
        switch end {
        case .reported(let report): self.host.reports([report], from: self.id, worker: self.worker, credit: 1)
        case .vanished(let lease):
            self.host.started([lease])
            self.host.dispatch { $0.ended(self.id, CollectionOfOne(lease.key), effects: &$1) }
            self.host.lost([lease], .workerGone)
            self.host.credit(self.id, 1)
        case .silent: break
        }
        self.host.time.busy(-1)
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
        guard grant.timeout == nil, grant.heartbeat == nil else { return await self.bounded(grant, handler) }
        return await handler.perform(grant, self.context(of: grant))
    }

    private func context(
        of grant: LeaseGrant,
        deadline: ContinuousClock.Instant? = nil,
        _ pulse: Pulse? = nil
    ) -> TaskContext {
        let (checkpoints, host, id, worker) = (self.checkpoints, self.host, self.id, self.worker)
        return TaskContext(
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
    }

    /// An attempt whose code has to end in time, or to give signs of life.
    private func bounded(_ grant: LeaseGrant, _ handler: any WorkHandler) async -> AttemptReport.Result {
        let deadline = grant.timeout.map { self.host.time.now.advanced(by: $0.duration) }
        let pulse = grant.heartbeat.map { Pulse($0, by: self.host.time) }
        let task = self.context(of: grant, deadline: deadline, pulse)
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

    init(_ pause: Span, by time: any HostTime) {
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

/// Where an attempt is: with the loop that began it, or on its own since it suspended for the first time.
private final class Footing: Sendable {
    /// How it ended.
    enum End: Sendable {
        /// So it is reported.
        case reported(AttemptReport)
        /// Nobody will ever report it, as if its worker had died.
        case vanished(LeaseRef)
        /// The process ends, too.
        case silent
    }

    private enum Place {
        case withLoop
        case onItsOwn
        case ended(End)
    }

    private let place = Guarded(Place.withLoop)

    /// The attempt has ended; true when the loop will tell the host.
    func ends(_ end: End) -> Bool {
        self.place.withLock { place in
            guard case .withLoop = place else { return false }
            place = .ended(end)
            return true
        }
    }

    /// The loop goes on; how the attempt ended, if it has.
    func leave() -> End? {
        self.place.withLock { place in
            defer { place = .onItsOwn }
            return if case .ended(let end) = place { end } else { nil }
        }
    }
}
