// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension World {
    // MARK: Users

    mutating func startRuns() {
        defer { if self.runsToStart > 0 { self.arrange(in: self.draw.span(50...1_500), .start) } }
        let owner = self.draw.number(below: self.owners.count)
        guard self.owners[owner].isUp, self.owners[owner].pausedUntil <= self.now,
            let shard = self.draw.pick(self.owners[owner].seats.keys.sorted())
        else { return }
        var orders: [StartOrder] = []
        for _ in 0..<min(self.runsToStart, 1 + self.draw.number(below: 4)) {
            guard let plan = self.draw.pick(self.plans) else { return }
            let run = RunID(at: self.now, shard: shard, random: (self.draw.bits(), self.draw.bits()))
            self.runsToStart -= 1
            self.nextRequest += 1
            orders.append(
                StartOrder(
                    run: run,
                    plan: plan,
                    key: self.draw.chance(20) ? "key-\(self.draw.number(below: 4))" : nil,
                    inputHash: 0,
                    context: .emptyObject,
                    seed: self.draw.bits(),
                    request: RequestID(rawValue: self.nextRequest)
                )
            )
            for name in plan.signals where self.draw.chance(85) {
                for _ in 0...self.draw.number(below: 2) {
                    self.arrange(in: self.draw.span(1...9_000), .signal(run, name))
                }
            }
            if self.draw.chance(12) { self.arrange(in: self.draw.span(1...8_000), .cancel(run)) }
        }
        self.post(.start(orders), to: shard, of: owner)
    }

    mutating func cancel(_ run: RunID) {
        let order = CancelOrder(run: run, caller: "user", via: "test", request: nil)
        for owner in self.owners.indices where self.owners[owner].isUp && self.owners[owner].pausedUntil <= self.now {
            if self.draw.chance(60), self.post(.cancel(order), to: run.shard, of: owner) { return }
        }
        self.store.change { $0.post([Mail(to: run.shard, .cancel(run, by: "user"))]) }
    }

    mutating func signal(_ run: RunID, _ name: String) {
        let number = self.draw.number(below: 3)
        let signal = RunSignal(name: name, payload: .json("\(number)"), id: number == 0 ? nil : "\(name)-\(number)")
        self.order(.signal(signal), for: run)
    }

    private mutating func order(_ verb: RunVerb, for run: RunID) {
        self.count(verb.name)
        let order = RunOrder(run: run, verb: verb, caller: "user", via: "test", request: nil)
        for owner in self.owners.indices where self.owners[owner].isUp && self.owners[owner].pausedUntil <= self.now {
            if self.draw.chance(60), self.post(.order(order), to: run.shard, of: owner) { return }
        }
        self.store.change { $0.post([Mail(to: run.shard, .order(run, verb, by: "user"))]) }
    }

    /// A person looks at what cannot go on: tries again, gives up, or cancels; and sends what runs wait for.
    mutating func clearBlocked() {
        for run in self.unfinished {
            guard let summary = self.store.tables.summary(of: run) else { continue }
            switch summary.status {
            case .blocked:
                let verbs: [Intervention.Verb] = [.retry, .skip]
                if self.draw.chance(70), let verb = self.draw.pick(verbs) {
                    self.order(.intervene(Intervention(verb)), for: run)
                } else {
                    self.cancel(run)
                }
            case .waiting:
                guard let note = summary.note else { continue }
                for name in RandomDefinition.signals where note.contains("'\(name)'") { self.signal(run, name) }
            case .active, .compensating, .succeeded, .failed, .cancelled, .timedOut: break
            }
        }
        self.arrange(in: .seconds(15), .clearBlocked)
    }

    // MARK: Faults

    mutating func fault() {
        guard !self.isHealed else { return }
        let owner = self.draw.number(below: self.owners.count)
        let worker = self.draw.number(below: self.workers.count)
        switch self.draw.number(below: 10) {
        case 0, 1: self.crashOwner(owner)
        case 2, 3:
            self.count("pauses")
            self.owners[owner].pausedUntil = self.now.advanced(by: self.draw.span(100...8_000))
        case 4, 5: self.crashWorker(worker)
        case 6, 7: self.cut(Link(worker: worker, owner: owner))
        case 8:
            for worker in self.workers.indices { self.cut(Link(worker: worker, owner: owner)) }
        default:
            // The process lives and loses faith in a commit of its own.
            guard let shard = self.draw.pick(self.owners[owner].seats.keys.sorted()),
                let epoch = self.owners[owner].seats[shard]?.epoch
            else { break }
            self.own(.unknown(shard, epoch), by: owner)
        }
        self.arrange(in: self.draw.span(200...3_000), .fault)
    }

    private mutating func crashOwner(_ owner: Int) {
        guard self.owners[owner].isUp else { return }
        self.count("owners crashed")
        self.owners[owner].isUp = false
        if self.options.hasWorkersWithin { for worker in self.workers.indices { self.crashWorker(worker) } }
        for worker in self.workers.indices { self.cut(Link(worker: worker, owner: owner)) }
        self.arrange(in: self.draw.span(200...6_000), .restartOwner(owner))
    }

    mutating func restartOwner(_ owner: Int) {
        guard !self.owners[owner].isUp else { return }
        let life = self.owners[owner].life + 1
        self.owners[owner] = SimulatedOwner(number: owner, life: life, ttl: self.options.shardTTL)
        self.beginOwner(owner)
    }

    private mutating func crashWorker(_ worker: Int) {
        guard self.workers[worker].isUp else { return }
        self.count("workers crashed")
        self.workers[worker].isUp = false
        self.workers[worker].life += 1
        for owner in self.owners.indices { self.cut(Link(worker: worker, owner: owner)) }
        self.arrange(in: self.draw.span(200...3_000), .restartWorker(worker))
    }

    mutating func restartWorker(_ worker: Int) {
        guard !self.workers[worker].isUp else { return }
        let life = self.workers[worker].life
        self.workers[worker] = SimulatedWorker()
        self.workers[worker].life = life
        self.beginWorker(worker)
    }

    /// Everything works from now on: what has not ended must end.
    mutating func heal() {
        self.isHealed = true
        for owner in self.owners.indices { self.owners[owner].pausedUntil = self.now }
        for worker in self.workers.indices { self.restartWorker(worker) }
        for owner in self.owners.indices { self.restartOwner(owner) }
        self.arrange(in: .seconds(15), .clearBlocked)
    }
}
