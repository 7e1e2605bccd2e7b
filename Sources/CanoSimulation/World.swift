// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine
internal import HeapModule

/// Owners, workers, network and store under virtual time, with faults drawn from a seed.
///
/// The same options tell the same story. ``run()`` returns the first promise that was broken.
package struct World {
    package let options: SimulationOptions
    var draw: Draw
    var now = Instant(microseconds: 1_000_000_000)
    var agenda = Heap<Appointment>()
    var order = 0
    var store: SimulatedStore
    var ledger: Ledger
    var owners: [SimulatedOwner] = []
    var workers: [SimulatedWorker] = []
    /// Which connection there is now.
    var links: [Link: SessionID] = [:]
    /// When the last message of each connection arrives: messages do not overtake each other.
    var arrivals: [SessionID: Arrivals] = [:]
    var lastSession: Int64 = 0
    var plans: [Plan] = []
    var isHealed = false
    var runsToStart: Int
    var nextRequest: Int64 = 0
    /// What was counted on the way, to tell a story that met nothing from one that met much.
    package var tally: [String: Int] = [:]

    /// The shards that are used: two, so that owners differ.
    static let shards = [ShardID(rawValue: 0), ShardID(rawValue: 1)]

    /// A world before its first moment.
    package init(_ options: SimulationOptions) throws(CanoError) {
        self.options = options
        self.draw = Draw(seed: options.seed)
        self.store = SimulatedStore(bug: options.bug)
        self.runsToStart = options.runs
        var plans: [DefinitionKey: Plan] = [:]
        for index in 0..<6 {
            let plan = try Plan(RandomDefinition.make(name: "story-\(index)", from: &self.draw), limits: options.limits)
            self.plans.append(plan)
            plans[plan.key] = plan
        }
        self.ledger = Ledger(plans: plans)
        for index in 0..<options.owners {
            self.owners.append(SimulatedOwner(number: index, life: 0, options: options))
            self.beginOwner(index)
        }
        for index in 0..<options.workers {
            let seed = self.draw.bits()
            self.workers.append(self.makeWorker(index, life: 0, seed: seed))
            self.beginWorker(index)
        }
        self.arrange(in: .seconds(1), .start)
        if options.hasFaults { self.arrange(in: .seconds(3), .fault) }
        self.arrange(in: options.trouble, .heal)
    }

    /// Lets everything happen until every run has ended; returns the first promise that was broken.
    package mutating func run() -> String? {
        let deadline = self.now.advanced(by: self.options.trouble).advanced(by: self.options.patience)
        var steps = 0
        while let next = self.agenda.popMin() {
            self.now = max(self.now, next.at)
            steps += 1
            self.happen(next.happening)
            if let violation = self.ledger.violation { return "seed \(self.options.seed), step \(steps): \(violation)" }
            if self.isHealed, self.runsToStart == 0, self.unfinished.isEmpty { return nil }
            if self.now > deadline || steps > 2_000_000 {
                return "seed \(self.options.seed): after \(steps) steps these runs never end: \(self.report)"
            }
        }
        return "seed \(self.options.seed): nothing happens any more"
    }

    /// Runs that have not ended.
    var unfinished: [RunID] { self.ledger.stories.filter { !$0.value.isFinished }.keys.sorted() }

    private var report: String {
        self.unfinished.prefix(3)
            .map { run in
                let row = self.store.load(run)
                let last = row?.tail.last
                let resident = self.owners.lazy.flatMap { $0.seats.values }.compactMap { $0.shard.run(run) }.first
                return "\(run) \(row?.start.status.name ?? "?") wakes \(String(describing: row?.start.wakeAt)), last "
                    + "\(last?.kind.name ?? "?") \(last?.seq ?? 0), now \(self.now), resident: "
                    + "\(String(describing: resident?.phase)) \(String(describing: resident?.position.step))"
            }
            .joined(separator: "; ")
    }

    mutating func arrange(in span: Span, _ happening: Happening) {
        self.arrange(at: self.now.advanced(by: span), happening)
    }

    mutating func arrange(at instant: Instant, _ happening: Happening) {
        self.order += 1
        self.agenda.insert(Appointment(at: instant, order: self.order, happening: happening))
    }

    mutating func count(_ what: String) { self.tally[what, default: 0] += 1 }

    // MARK: What happens

    private mutating func happen(_ happening: Happening) {
        switch happening {
        case .start: self.startRuns()
        case .cancel(let run): self.cancel(run)
        case .clearBlocked: self.clearBlocked()
        case .connect(let link, let life):
            if self.isAlive(worker: link.worker, life, happening) { self.connect(link) }
        case .toOwner(let link, let session, let frames):
            guard self.links[link] == session, self.isAwake(link.owner, happening) else { return }
            self.hear(frames, from: link, session)
        case .toWorker(let link, let session, let frames):
            let life = self.workers[link.worker].life
            guard self.links[link] == session, self.isAlive(worker: link.worker, life, happening) else { return }
            self.tell(link.worker, [.frames(WorkerMachine.Link(rawValue: link.owner), frames)])
        case .close(let link, let session):
            if self.links[link] == session { self.cut(link) }
        case .renew(let owner, let life):
            if self.isAlive(owner, life, happening) { self.renew(owner) }
        case .checkSessions(let owner, let life):
            if self.isAlive(owner, life, happening) { self.checkSessions(owner) }
        case .readMail(let owner, let life):
            if self.isAlive(owner, life, happening) { self.readMail(owner) }
        case .tell(let owner, let life, let shard, let epoch, let event):
            guard self.isAlive(owner, life, happening) else { return }
            guard self.owners[owner].seats[shard]?.epoch == epoch else { return self.giveBack(event, of: owner) }
            self.post(event, to: shard, of: owner)
        case .lookUp(let owner, let life, let lease, let session):
            if self.isAlive(owner, life, happening) { self.answerLookUp(lease, session, of: owner) }
        case .commit(let owner, let life, let batch): self.commit(batch, of: owner, life)
        case .committed(let owner, let life, let shard, let epoch, let outcome):
            guard self.isAlive(owner, life, happening), self.owners[owner].seats[shard]?.epoch == epoch else { return }
            self.committed(outcome, shard, of: owner)
        case .read(let owner, let life, let shard, let epoch, let effect):
            self.read(effect, of: shard, epoch, for: owner, life)
        case .taskEnds(let worker, let life, let lease):
            if self.isAlive(worker: worker, life, happening) { self.endTask(lease, of: worker) }
        case .unstarted(let worker, let life, let leases):
            if self.isAlive(worker: worker, life, happening) { self.tell(worker, [.unstarted(leases)]) }
        case .closed(let worker, let life, let link):
            guard self.isAlive(worker: worker, life, happening) else { return }
            self.tell(worker, [.closed(WorkerMachine.Link(rawValue: link.owner))])
        case .tick(let worker, let life):
            if self.isAlive(worker: worker, life, happening) { self.ticks(worker) }
        case .fault: self.fault()
        case .restartOwner(let owner): self.restartOwner(owner)
        case .restartWorker(let worker): self.restartWorker(worker)
        case .heal: self.heal()
        }
    }

    /// Whether the process is the same as when this was arranged; a paused one does it when it goes on.
    private mutating func isAlive(_ owner: Int, _ life: Int, _ happening: Happening) -> Bool {
        guard self.owners[owner].isUp, self.owners[owner].life == life else { return false }
        return self.isAwake(owner, happening)
    }

    private mutating func isAlive(worker: Int, _ life: Int, _ happening: Happening) -> Bool {
        guard self.workers[worker].isUp, self.workers[worker].life == life else { return false }
        guard self.workers[worker].pausedUntil > self.now else { return true }
        self.arrange(at: self.workers[worker].pausedUntil, happening)
        return false
    }

    private mutating func isAwake(_ owner: Int, _ happening: Happening) -> Bool {
        guard self.owners[owner].pausedUntil > self.now else { return true }
        self.arrange(at: self.owners[owner].pausedUntil, happening)
        return false
    }
}

/// A connection, and when the last message in each direction arrives.
struct Arrivals {
    var link: Link
    var toOwner: Instant
    var toWorker: Instant
}
