// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension World {
    func makeWorker(_ number: Int, life: Int, seed: UInt64) -> SimulatedWorker {
        SimulatedWorker(
            number: number,
            life: life,
            owners: self.options.owners,
            slots: self.options.slots,
            at: self.now.microseconds / 1000,
            seed: seed
        )
    }

    mutating func beginWorker(_ worker: Int) {
        self.perform(self.workers[worker].machine.begin(), of: worker)
    }

    // MARK: The shell of a worker

    /// Tells the machine what happened, and does what it asks for.
    mutating func tell(_ worker: Int, _ events: [WorkerMachine.Event]) {
        guard self.workers[worker].isUp else { return }
        let now = self.now.microseconds / 1000
        self.perform(self.workers[worker].machine.apply(events, at: now), of: worker)
        guard let next = self.workers[worker].machine.nextTick, next < self.workers[worker].tickAt else { return }
        self.workers[worker].tickAt = next
        let at = max(self.now, Instant(microseconds: next * 1000))
        self.arrange(at: at, .tick(worker: worker, life: self.workers[worker].life))
    }

    private mutating func perform(_ effects: [WorkerMachine.Effect], of worker: Int) {
        let life = self.workers[worker].life
        for effect in effects {
            switch effect {
            case .connect(let link, let pause):
                let link = Link(worker: worker, owner: link.rawValue)
                self.arrange(in: Span(milliseconds: pause + 1), .connect(link, life: life))
            case .disconnect(let link):
                if let session = self.links[Link(worker: worker, owner: link.rawValue)] { self.close(session) }
            case .send(let link, let frames): self.send(frames, on: Link(worker: worker, owner: link.rawValue))
            case .begin(let link, let grants): self.begin(grants, on: Link(worker: worker, owner: link.rawValue))
            case .cancel(let leases): self.cancel(leases, of: worker)
            case .note(_, .distrusted(let leases)): if leases > 0 { self.count("distrusts") }
            case .leave, .note: break
            case .stop(let ending): self.ledger.blame("worker \(worker) stops: \(ending)")
            }
        }
    }

    mutating func ticks(_ worker: Int) {
        self.workers[worker].tickAt = .max
        self.tell(worker, [.ticked])
        self.checkRivals(of: worker)
    }

    /// A task whose work was given to somebody else has to end as soon as its worker can know.
    private mutating func checkRivals(of worker: Int) {
        let patience = Span(milliseconds: self.options.leaseTTL.milliseconds * 6)
        for (lease, task) in self.workers[worker].tasks where !task.isStopping {
            guard self.ledger.isSuperseded(lease) else { continue }
            guard let since = task.rivalSince else {
                self.workers[worker].tasks[lease]?.rivalSince = self.now
                continue
            }
            if since.advanced(by: patience) < self.now { self.ledger.blame("\(lease) runs beside its successor") }
        }
    }

    // MARK: Tasks

    private mutating func begin(_ grants: [LeaseGrant], on link: Link) {
        let life = self.workers[link.worker].life
        guard self.links[link] != nil else {
            let leases = grants.map(\.lease)
            return self.arrange(in: Span(milliseconds: 0), .unstarted(worker: link.worker, life: life, leases))
        }
        self.send([.started(grants.map(\.lease))], on: link)
        for grant in grants {
            self.workers[link.worker].tasks[grant.lease] = SimulatedWorker.Task(grant: grant)
            let time = self.draw.chance(85) ? self.draw.span(1...400) : self.draw.span(400...4_000)
            // A few tasks hang, and notice only that they are told to stop because their time is up.
            if self.options.hasFaults, !self.isHealed, grant.timeout != nil, self.draw.chance(3) { continue }
            self.arrange(in: time, .taskEnds(worker: link.worker, life: life, grant.lease))
        }
    }

    private mutating func cancel(_ leases: [LeaseRef], of worker: Int) {
        for lease in leases where self.workers[worker].tasks[lease] != nil {
            self.workers[worker].tasks[lease]?.isStopping = true
            // Some hear it at once, some finish first, some are slow.
            let time = self.draw.chance(60) ? self.draw.span(1...200) : self.draw.span(200...3_000)
            self.arrange(in: time, .taskEnds(worker: worker, life: self.workers[worker].life, lease))
        }
    }

    mutating func endTask(_ lease: LeaseRef, of worker: Int) {
        guard let task = self.workers[worker].tasks.removeValue(forKey: lease) else { return }
        self.tell(worker, [.finished(lease, self.result(of: task))])
    }

    private mutating func result(of task: SimulatedWorker.Task) -> AttemptReport.Result {
        var failure = Failure(code: "taskFailed", message: "the dice said so", isRetryable: self.draw.chance(80))
        if task.isStopping, self.draw.chance(50) { return .stopped(failure) }
        switch self.draw.number(below: 100) {
        case 0..<12:
            failure.leavesDoubt = self.draw.chance(30)
            return .failed(failure, retryAfter: self.draw.chance(20) ? self.draw.span(1...3_000) : nil)
        case 12..<14: return .stopped(failure)
        default: return .completed(self.completion(of: task.grant))
        }
    }

    private mutating func completion(of grant: LeaseGrant) -> AttemptReport.Completion {
        let mark = Payload(bytes: Array(grant.lease.token.description.utf8), type: .text)
        switch grant.input {
        case .task: return .task(context: mark, next: self.draw.pick(grant.next), output: mark)
        case .router: return .route(next: self.draw.pick(grant.next) ?? "")
        case .expand:
            let count = self.draw.chance(5) ? 0 : 1 + self.draw.number(below: 6)
            return .items(Array(repeating: mark, count: count))
        case .branch: return .output(mark)
        case .undo: return .undone
        }
    }
}
