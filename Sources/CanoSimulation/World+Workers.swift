// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension World {
    mutating func beginWorker(_ worker: Int) {
        for owner in self.owners.indices {
            self.arrange(in: self.draw.span(1...100), .connect(Link(worker: worker, owner: owner)))
        }
        self.arrange(in: Span(milliseconds: 400), .beat(worker: worker, life: self.workers[worker].life))
    }

    /// A worker greets: it tells what it has and how much more it can take.
    mutating func beginSession(_ link: Link) {
        self.workers[link.worker].credit[link.owner] = 0
        self.workers[link.worker].trustedUntil[link.owner] = self.now.advanced(by: self.options.leaseTTL)
        self.offer(to: link) { $0.home == link.owner }
        self.repeatReports(on: link) { $0.home == link.owner }
        self.giveCredit(on: link)
    }

    mutating func endSession(_ link: Link) {
        self.workers[link.worker].credit[link.owner] = 0
    }

    private mutating func giveCredit(on link: Link) {
        guard self.links[link] != nil else { return }
        let used = self.workers[link.worker].tasks.values.count { $0.home == link.owner }
        let given = self.workers[link.worker].credit[link.owner] ?? 0
        let free = self.options.slots - used - given
        guard free > 0 else { return }
        self.workers[link.worker].credit[link.owner] = given + free
        self.send(.credit(free), on: link)
    }

    private mutating func offer(to link: Link, where wanted: (SimulatedWorker.Task) -> Bool) {
        let leases = self.workers[link.worker].tasks.filter { wanted($0.value) }.keys.sorted { $0.rank < $1.rank }
        guard !leases.isEmpty else { return }
        for lease in leases { self.workers[link.worker].tasks[lease]?.home = link.owner }
        self.send(.offers(leases), on: link)
    }

    private mutating func repeatReports(on link: Link, where wanted: (SimulatedWorker.Unanswered) -> Bool) {
        let kept = self.workers[link.worker].unanswered.filter { wanted($0.value) }
        for (lease, report) in kept.sorted(by: { $0.key.rank < $1.key.rank }) {
            self.workers[link.worker].unanswered[lease]?.home = link.owner
            self.send(.reports([AttemptReport(lease: lease, result: report.result)]), on: link)
        }
    }

    // MARK: What owners say

    mutating func hear(_ message: OwnerMessage, by link: Link) {
        let worker = link.worker
        switch message {
        case .owned(let shards): self.heardOwned(shards, by: link)
        case .lease(let grant): self.beginTask(grant, by: link)
        case .stop(let lease):
            guard self.workers[worker].tasks[lease]?.isStopping == false else { return }
            self.workers[worker].tasks[lease]?.isStopping = true
            // Some hear it at once, some finish first, some do not care.
            guard self.draw.chance(60) else { return }
            let life = self.workers[worker].life
            self.arrange(in: self.draw.span(1...200), .taskEnds(worker: worker, life: life, lease))
        case .lost(let lease):
            self.workers[worker].tasks[lease] = nil
            self.workers[worker].unanswered[lease] = nil
            self.giveCredit(on: link)
        case .answer(let lease, let answer):
            self.workers[worker].unanswered[lease] = nil
            if answer == .lost { self.workers[worker].tasks[lease] = nil }
            self.giveCredit(on: link)
        case .checkpointed(let lease, let answer):
            if answer == .lost { self.workers[worker].tasks[lease] = nil }
            self.giveCredit(on: link)
        case .beat(let sentAt):
            self.workers[worker].trustedUntil[link.owner] = sentAt.advanced(by: self.options.leaseTTL)
        }
    }

    /// An owner tells what is its own: leases of these shards that another one granted are offered to it.
    private mutating func heardOwned(_ shards: [ShardID: Epoch], by link: Link) {
        let tasks = self.workers[link.worker].tasks
        func isNew(_ lease: LeaseRef) -> Bool { shards[lease.shard].map { $0 > lease.token.epoch } ?? false }
        let leases = tasks.keys.filter(isNew).sorted { $0.rank < $1.rank }
        for lease in leases { self.workers[link.worker].tasks[lease]?.home = link.owner }
        if !leases.isEmpty { self.send(.offers(leases), on: link) }
        let reports = self.workers[link.worker].unanswered.filter { isNew($0.key) }
        for (lease, report) in reports.sorted(by: { $0.key.rank < $1.key.rank }) {
            self.workers[link.worker].unanswered[lease]?.home = link.owner
            self.send(.reports([AttemptReport(lease: lease, result: report.result)]), on: link)
        }
    }

    // MARK: Tasks

    private mutating func beginTask(_ grant: LeaseGrant, by link: Link) {
        let credit = self.workers[link.worker].credit[link.owner] ?? 0
        guard credit > 0 else {
            return self.report(grant.lease, .released, of: link.worker, to: link.owner)
        }
        self.workers[link.worker].credit[link.owner] = credit - 1
        self.workers[link.worker].tasks[grant.lease] = SimulatedWorker.Task(grant: grant, home: link.owner)
        self.send(.started([grant.lease]), on: link)
        let time = self.draw.chance(85) ? self.draw.span(1...400) : self.draw.span(400...4_000)
        let end = min(time, grant.timeout ?? time)
        let life = self.workers[link.worker].life
        if self.isRepeated(grant), self.draw.chance(50) {
            self.arrange(in: self.draw.span(1...300), .taskCheckpoints(worker: link.worker, life: life, grant.lease))
        }
        // A few tasks hang, and do not even notice that their time is up.
        if self.isHealed || !self.options.hasFaults || grant.timeout == nil || !self.draw.chance(3) {
            self.arrange(in: end, .taskEnds(worker: link.worker, life: life, grant.lease))
        }
    }

    /// A running task makes a cursor durable, and perhaps another one later.
    mutating func checkpoint(_ lease: LeaseRef, of worker: Int) {
        guard let task = self.workers[worker].tasks[lease] else { return }
        self.count("checkpoints")
        let mark = Payload(bytes: Array(lease.token.description.utf8), type: .text)
        let link = Link(worker: worker, owner: task.home)
        self.send(.checkpoints([LeaseCheckpoint(lease: lease, number: 1, cursor: mark)]), on: link)
        let again = Happening.taskCheckpoints(worker: worker, life: self.workers[worker].life, lease)
        if self.draw.chance(60) { self.arrange(in: self.draw.span(1...300), again) }
    }

    mutating func endTask(_ lease: LeaseRef, of worker: Int) {
        guard let task = self.workers[worker].tasks.removeValue(forKey: lease) else { return }
        let result = self.result(of: task)
        self.report(lease, result, of: worker, to: task.home)
        self.giveCredit(on: Link(worker: worker, owner: task.home))
    }

    private mutating func report(_ lease: LeaseRef, _ result: AttemptReport.Result, of worker: Int, to owner: Int) {
        self.workers[worker].unanswered[lease] = SimulatedWorker.Unanswered(result: result, home: owner)
        let link = Link(worker: worker, owner: owner)
        self.send(.reports([AttemptReport(lease: lease, result: result)]), on: link)
        if self.options.hasFaults, self.draw.chance(3) {
            self.send(.reports([AttemptReport(lease: lease, result: result)]), on: link)
        }
    }

    private mutating func result(of task: SimulatedWorker.Task) -> AttemptReport.Result {
        let failure = Failure(code: "taskFailed", message: "the dice said so", isRetryable: self.draw.chance(80))
        if task.isStopping, self.draw.chance(50) { return .stopped(failure) }
        switch self.draw.number(below: 100) {
        case 0..<12: return .failed(failure, retryAfter: self.draw.chance(20) ? self.draw.span(1...3_000) : nil)
        case 12..<15: return .stopped(Failure(code: "timeout", message: "too long"))
        case 15..<16: return .released
        default: return self.carry(self.completion(of: task.grant), of: task.grant)
        }
    }

    /// Goes on with what follows at once, as far as the worker may; now and then with something that it may not.
    private mutating func carry(
        _ completion: AttemptReport.Completion,
        of grant: LeaseGrant
    ) -> AttemptReport.Result {
        guard grant.lease.key.path == .step, self.draw.chance(50), let plan = self.ledger.plans[grant.definition] else {
            return .completed(completion)
        }
        let mark = Payload(bytes: Array(grant.lease.token.description.utf8), type: .text)
        var following: [LocalCompletion] = []
        var last = completion
        var state = grant.state
        while following.count < 4 {
            let next: String? =
                switch last {
                case .task(_, let next, _): next
                case .route(let next): next
                case .items, .output, .undone, .again: nil
                }
            let declared = plan.index(of: state).map { plan.states[$0].next } ?? []
            guard let name = next ?? declared.first, let index = plan.index(of: name) else { break }
            switch plan.states[index].step {
            case .task(let task, let next) where task.isLocal || self.draw.chance(10):
                last = .task(context: mark, next: self.draw.pick(next), output: mark)
            case .router(_, let next): last = .route(next: self.draw.pick(next) ?? "")
            case .task, .split, .timer, .exit: return .carried(completion, following: following)
            }
            following.append(LocalCompletion(state: name, completion: last))
            state = name
            self.count("local steps")
        }
        return .carried(completion, following: following)
    }

    private mutating func completion(of grant: LeaseGrant) -> AttemptReport.Completion {
        let mark = Payload(bytes: Array(grant.lease.token.description.utf8), type: .text)
        if self.isRepeated(grant), self.draw.chance(self.isHealed ? 20 : 60) {
            self.count("unfinished attempts")
            let pause = self.draw.chance(30) ? self.draw.span(0...3_000) : nil
            return .again(cursor: self.draw.chance(70) ? mark : nil, after: pause)
        }
        switch grant.input {
        case .task: return .task(context: mark, next: self.draw.pick(grant.next), output: mark)
        case .router: return .route(next: self.draw.pick(grant.next) ?? "")
        case .expand:
            let step = self.ledger.plans[grant.definition]
                .flatMap { plan in
                    plan.index(of: grant.state).map { plan.states[$0].step }
                }
            if case .child = step, !self.draw.chance(5) { return .items([mark]) }
            let count = self.draw.chance(5) ? 0 : 1 + self.draw.number(below: 6)
            return .items(Array(repeating: mark, count: count))
        case .branch: return .output(mark)
        case .undo: return .undone
        }
    }

    /// Whether the work of a grant may take several attempts.
    private func isRepeated(_ grant: LeaseGrant) -> Bool {
        if case .undo = grant.lease.key.path { return false }
        guard let plan = self.ledger.plans[grant.definition], let state = plan.index(of: grant.state) else {
            return false
        }
        return plan.task(grant.lease.key.path, in: state)?.repetition != nil
    }

    /// A worker says that it lives, and drops what nobody vouches for any more.
    mutating func beat(_ worker: Int) {
        for owner in self.owners.indices { self.send(.beat(sentAt: self.now), on: Link(worker: worker, owner: owner)) }
        for (lease, task) in self.workers[worker].tasks.sorted(by: { $0.key.rank < $1.key.rank }) {
            if let until = self.workers[worker].trustedUntil[task.home], until <= self.now {
                self.workers[worker].tasks[lease] = nil
                self.cut(Link(worker: worker, owner: task.home))
            }
        }
        self.arrange(in: self.draw.span(300...500), .beat(worker: worker, life: self.workers[worker].life))
    }
}
