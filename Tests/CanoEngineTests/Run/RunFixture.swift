// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

/// One run with what a test needs to tell it things, and everything that it decided.
struct RunFixture {
    var run: Run
    var now = Instant(microseconds: 1_000_000_000)
    var rows: [HistoryRow] = []
    /// How many rows were removed, as a store removes cursors that were replaced.
    var removed = 0
    var counter: Int64 = 0
    var epoch: Int64 = 1
    var offers: [WorkOffer] = []
    /// The last decision.
    var decision = RunDecision()
    /// Everything that was told other runs.
    var mail: [Mail] = []

    static let worker = WorkerID(rawValue: "worker-1")
    static let limits = Limits {
        $0.crashes = 3
        $0.cursorRecords = 2
    }

    init(_ states: [StateDefinition], timeout: Span? = nil, onUndoFailure: UndoFailure? = nil) throws {
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
        try self.init(Plan(definition, limits: Self.limits))
    }

    init(_ plan: Plan, seed: UInt64 = 1) throws {
        let id = RunID(at: self.now, shard: ShardID(rawValue: 3), random: (seed, seed))
        var decision: RunDecision
        (self.run, decision) = Run.start(
            id: id,
            plan: plan,
            context: .emptyObject,
            seed: seed,
            at: self.now,
            limits: Self.limits
        )
        self.keep(&decision)
    }

    static func task(undo: Bool = false, attempts: Int = 3, timeout: Span? = nil) -> TaskDefinition {
        let retry = RetryPolicy {
            $0.maximumAttempts = attempts
            $0.jitter = 0
        }
        return TaskDefinition(
            handler: "work",
            name: "work",
            retry: retry,
            timeout: timeout,
            undo: undo ? UndoDefinition(retry: retry) : nil
        )
    }

    private mutating func keep(_ decision: inout RunDecision) {
        for (offset, record) in decision.records.enumerated() {
            let row = HistoryRow(record, run: self.run.id, seq: decision.firstSeq + offset, at: self.now)
            if let replaced = row.replaced, let index = self.rows.firstIndex(where: { $0.seq == replaced }) {
                self.rows.remove(at: index)
                self.removed += 1
            }
            self.rows.append(row)
        }
        for case .ready(let offer) in decision.effects { self.offers.append(offer) }
        self.mail += decision.mail
        self.decision = decision
    }

    /// Lets the run decide something.
    @discardableResult
    mutating func tell(_ body: (inout Run, Instant) -> RunDecision) -> RunDecision {
        var decision = body(&self.run, self.now)
        self.keep(&decision)
        return decision
    }

    /// Lets the run decide something that it may refuse; returns why it does.
    @discardableResult
    mutating func ask(_ body: (inout Run, Instant) throws(Refusal) -> RunDecision) -> Refusal? {
        do {
            var decision = try body(&self.run, self.now)
            self.keep(&decision)
            return nil
        } catch {
            return error
        }
    }

    @discardableResult
    mutating func signal(_ name: String, _ payload: String = "1", id: String? = nil) -> Refusal? {
        self.ask { run, now throws(Refusal) in
            try run.signal(RunSignal(name: name, payload: .json(payload), id: id), at: now)
        }
    }

    @discardableResult
    mutating func intervene(_ intervention: Intervention) -> Refusal? {
        self.ask { run, now throws(Refusal) in try run.intervene(intervention, by: "ann", at: now) }
    }

    /// Grants the work of this path; throws when it is not ready.
    mutating func lease(_ path: WorkPath) throws -> LeaseRef {
        try self.lease(try #require(self.run.offers.first { $0.key.path == path }))
    }

    mutating func lease(_ offer: WorkOffer) throws -> LeaseRef {
        let grant = self.grant(offer)
        return try #require(grant).lease
    }

    /// Reports something that must be accepted.
    mutating func accept(_ lease: LeaseRef, _ result: AttemptReport.Result) throws {
        let answer = self.report(lease, result)
        #expect(answer == .accepted)
    }

    mutating func grant(_ offer: WorkOffer) -> LeaseGrant? {
        self.counter += 1
        let granted = self.run.grant(
            offer.key,
            attempt: offer.attempt,
            token: Token(epoch: Epoch(rawValue: self.epoch), counter: self.counter),
            worker: Self.worker,
            at: self.now
        )
        return granted?.lease
    }

    @discardableResult
    mutating func report(_ lease: LeaseRef, _ result: AttemptReport.Result) -> ReportAnswer {
        var answer = ReportAnswer.lost
        self.tell { run, now in
            let (given, decision) = run.apply(AttemptReport(lease: lease, result: result), at: now)
            answer = given
            return decision
        }
        return answer
    }

    mutating func pass(_ milliseconds: Int64) {
        self.now = self.now.advanced(by: Span(milliseconds: milliseconds))
    }

    /// The run in the form in which a store hands it out.
    var stored: StoredRun {
        let entry = self.rows.lastIndex { $0.kind.isEntry } ?? 0
        let known = Set(self.rows[entry].knownSignals)
        let start = RunStart(
            run: self.run.id,
            definition: self.run.plan.key,
            key: nil,
            inputHash: 0,
            seed: self.run.seed,
            at: self.run.startedAt,
            deadline: self.run.deadline,
            status: .active,
            wakeAt: nil
        )
        let split = self.rows[entry].split
        return StoredRun(
            start: start,
            tail: Array(self.rows[entry...]),
            pushes: self.rows[..<entry].filter { $0.kind == .sagaPushed },
            branches: self.rows.filter { row in row.kind.isDelivered && split?.contains(row.seq) ?? false },
            signals: self.rows.filter { row in known.contains(row.seq) }
        )
    }

    /// The run as the next owner reads it.
    func restored() throws -> Run {
        try Run.restore(self.stored, plan: self.run.plan, limits: Self.limits)
    }

    /// The owner dies; another one reads the run.
    mutating func changeOwner() throws {
        self.run = try self.restored()
        self.epoch += 1
        self.counter = 0
    }

    /// Whether the rows are numbered without gaps, but for those that were removed.
    var isDense: Bool {
        let seqs = self.rows.map(\.seq)
        return zip(seqs, seqs.dropFirst()).allSatisfy { $0 < $1 } && seqs.last == self.rows.count + self.removed
    }
}
