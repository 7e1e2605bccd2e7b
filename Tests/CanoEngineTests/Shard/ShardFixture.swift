// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

/// One shard with its store, both in the test's hand: nothing is committed, read or performed unless it says so.
struct ShardFixture {
    static let id = ShardID(rawValue: 5)
    static let worker = WorkerID(rawValue: "worker-1")
    static let session = SessionID(rawValue: 1)

    var shard: Shard
    var tables = MemoryTables()
    var now = Instant(microseconds: 1_000_000_000)
    var limits: Limits
    var plan: Plan
    var epoch = Epoch(rawValue: 1)
    /// Everything that is to be done, after its commit.
    var effects: [ShardEffect] = []
    var runs: [RunID] = []

    init(
        _ states: [StateDefinition],
        timeout: Span? = nil,
        onUndoFailure: UndoFailure? = nil,
        limits: Limits = Limits()
    ) throws {
        let exits = [
            StateDefinition(name: "done", step: .exit(.success)), StateDefinition(name: "sorry", step: .exit(.failure)),
        ]
        let used = Set(states.flatMap { $0.step.next })
        let definition = Definition(
            name: "fixture",
            version: 1,
            start: states[0].name,
            states: states + exits.filter { used.contains($0.name) },
            timeout: timeout,
            onUndoFailure: onUndoFailure
        )
        self.plan = try Plan(definition, limits: limits)
        self.limits = limits
        let claim = ShardClaim(shard: Self.id, seen: Epoch(rawValue: 0))
        _ = self.tables.take([claim], for: HostID(rawValue: "me"), ttl: .seconds(10), at: self.now)
        self.shard = Self.shard(self.epoch, self.plan, self.now, limits, .elsewhere, &self.effects)
        self.load()
    }

    private static func shard(
        _ epoch: Epoch,
        _ plan: Plan,
        _ now: Instant,
        _ limits: Limits,
        _ workers: Shard.Workers,
        _ effects: inout [ShardEffect]
    ) -> Shard {
        Shard(
            id: Self.id,
            epoch: epoch,
            plans: [plan],
            at: now,
            leaseTime: .seconds(5),
            limits: limits,
            workers: workers,
            effects: &effects
        )
    }

    /// Another owner takes the shard, and hears nothing while it listens unless `meanwhile` says something.
    ///
    /// A slow store answers its questions only when it has listened long enough.
    mutating func changeOwner(
        slowStore: Bool = false,
        workers: Shard.Workers = .elsewhere,
        meanwhile: (inout ShardFixture) -> Void = { _ in }
    ) {
        let claim = ShardClaim(shard: Self.id, seen: self.epoch)
        _ = self.tables.take([claim], for: HostID(rawValue: "other"), ttl: .seconds(10), at: self.now)
        self.epoch = Epoch(rawValue: self.epoch.rawValue + 1)
        self.effects = []
        self.shard = Self.shard(self.epoch, self.plan, self.now, self.limits, workers, &self.effects)
        if !slowStore { self.load() }
        meanwhile(&self)
        self.pass(1_100)
    }

    /// Tells the shard something and commits what follows.
    mutating func tell(_ events: ShardEvent...) {
        var output = ShardOutput(shard: Self.id, epoch: self.epoch)
        for event in events { self.shard.apply(event, at: self.now, into: &output) }
        guard !output.batch.isEmpty else { return self.effects += output.effects }
        guard case .answered(let answer) = self.tables.commit([output.batch], at: self.now), answer.stale.isEmpty,
            answer.contradicted.isEmpty
        else {
            Issue.record("the store refuses what the shard wants to write")
            return
        }
        self.effects += self.shard.committed(answer.refused, effects: output.effects)
    }

    mutating func pass(_ milliseconds: Int64) {
        self.now = self.now.advanced(by: Span(milliseconds: milliseconds))
        self.tell(.tick)
        self.load()
    }

    /// What the store answers to this question now.
    func answer(to effect: ShardEffect) -> ShardEvent? {
        switch effect {
        case .load(let run): return .loaded(run, self.tables.load(run))
        case .loadPage(let after, let before, let waitingOnly, let limit):
            let runs = self.tables.runnable(
                in: Self.id,
                before: before,
                waitingOnly: waitingOnly,
                after: after,
                limit: limit
            )
            return .page(runs, waitingOnly: waitingOnly, isLast: runs.count < limit)
        case .ready, .send, .followed, .unused, .ungranted, .claimed, .adopted, .stop, .revoke, .answer,
            .checkpointed, .lookUp, .left, .reply, .finished, .unreadable, .wake, .posted:
            return nil
        }
    }

    /// Answers the questions to the store until there are none.
    mutating func load() {
        while let index = self.effects.firstIndex(where: { self.answer(to: $0) != nil }) {
            let effect = self.effects.remove(at: index)
            if let event = self.answer(to: effect) { self.tell(event) }
        }
    }

    @discardableResult
    mutating func start() -> RunID {
        let number = UInt64(self.runs.count)
        let run = RunID(at: self.now, shard: Self.id, random: (number, number << 8))
        self.runs.append(run)
        let order = StartOrder(
            run: run,
            plan: self.plan,
            key: nil,
            inputHash: 0,
            context: .emptyObject,
            seed: 1,
            request: RequestID(rawValue: Int64(number))
        )
        self.tell(.start([order]))
        return run
    }

    /// Grants the first piece of work that is ready; `nil` when none is.
    mutating func grant() -> LeaseRef? {
        for (index, effect) in self.effects.enumerated() {
            guard case .ready(let offer) = effect else { continue }
            self.effects.remove(at: index)
            self.tell(.grant([Grant(offer: offer, session: Self.session, worker: Self.worker)]))
            for case .send(let grant, _) in self.effects.reversed() where grant.lease.key == offer.key {
                return grant.lease
            }
        }
        return nil
    }

    /// Grants the first piece of work that is ready; throws when none is.
    mutating func lease() throws -> LeaseRef {
        let lease = self.grant()
        return try #require(lease)
    }

    mutating func report(_ lease: LeaseRef, _ result: AttemptReport.Result, slots: Int = 0) {
        let report = AttemptReport(lease: lease, result: result)
        self.tell(.reports([report], from: Self.session, worker: Self.worker, slots: slots))
    }

    /// Asks something of a run; returns the answer.
    @discardableResult
    mutating func order(_ verb: RunVerb, for run: RunID) -> ShardReply? {
        let request = RequestID(rawValue: Int64(1000 + self.effects.count))
        self.tell(.order(RunOrder(run: run, verb: verb, caller: "ann", via: "test", request: request)))
        self.load()
        for case .reply(request, let reply) in self.effects { return reply }
        return nil
    }

    @discardableResult
    mutating func signal(_ run: RunID, _ name: String, id: String? = nil) -> ShardReply? {
        self.order(.signal(RunSignal(name: name, payload: .json("1"), id: id)), for: run)
    }

    /// Reads the mail that waits, and what is written in answer to it.
    mutating func readMail() {
        while !self.tables.mail(for: [Self.id], limit: 1).isEmpty {
            let before = self.tables.mail(for: [Self.id], limit: 100)
            for stored in before { self.tell(.mail(stored)) }
            self.load()
            guard self.tables.mail(for: [Self.id], limit: 100) != before else { return }
        }
    }

    func status(_ run: RunID) -> RunStatus? { self.tables.summary(of: run)?.status }
}
