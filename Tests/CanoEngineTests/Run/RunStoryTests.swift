// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import CanoSimulation
import Testing

/// Tells one run a random story, checking after each event what must hold.
private struct RunStory {
    var draw: Draw
    var fixture: RunFixture
    var leases: [LeaseRef] = []
    var past: [LeaseRef] = []

    init(seed: UInt64) throws {
        self.draw = Draw(seed: seed)
        let definition = RandomDefinition.make(name: "story", children: ["other"], from: &self.draw)
        self.fixture = try RunFixture(Plan(definition, limits: RunFixture.limits), seed: self.draw.bits())
    }

    var isOver: Bool { if case .finished = self.fixture.run.phase { true } else { false } }

    /// One event of any kind.
    mutating func step() throws {
        switch self.draw.number(below: 24) {
        case 20, 21: self.signal()
        case 22: self.intervene()
        case 23: self.endChild()
        case 0...6: self.grant()
        case 7...11: self.report()
        case 12: self.repeatReport()
        case 13: self.lose()
        case 14: self.draw.chance(50) ? self.hold() : self.checkpoint()
        case 15, 16: self.passTime()
        case 17: try self.changeOwner()
        case 18: self.wrongPlace()
        default:
            if self.draw.chance(8) { self.fixture.tell { run, now in run.cancel(by: "ann", at: now) } }
        }
    }

    /// Only what brings the run on: grants, answers, time.
    mutating func finish() {
        self.grant()
        self.report()
        self.passTime()
        self.signal()
        self.endChild()
        if self.draw.chance(50) { self.intervene() }
        if self.fixture.run.isBlocked { self.fixture.tell { run, now in run.cancel(by: "ann", at: now) } }
    }

    private mutating func signal() {
        let number = self.draw.number(below: 4)
        let name = self.draw.pick(RandomDefinition.signals) ?? ""
        let before = self.fixture.run
        let refusal = self.fixture.signal(name, "\(number)", id: number == 0 ? nil : "\(name)-\(number)")
        if refusal != nil { #expect(self.fixture.run == before) }
    }

    private mutating func intervene() {
        let before = self.fixture.run
        let verb = self.draw.pick(Intervention.Verb.allCases) ?? .retry
        let paths: [WorkPath?] = [nil, nil, .branch(0), .step]
        var intervention = Intervention(verb, path: self.draw.pick(paths) ?? nil, note: "so be it")
        if verb == .resolve { intervention.output = .json("3") }
        let refusal = self.fixture.intervene(intervention)
        if refusal != nil { #expect(self.fixture.run == before) }
    }

    /// The end of the run's child, or of one that is none of its.
    private mutating func endChild() {
        let before = self.fixture.run
        let random = self.draw.bits()
        var id = RunID(at: self.fixture.now, shard: before.id.shard, random: (random, random))
        if self.draw.chance(80), case .child(let child) = before.position.step { id = child.run }
        let outcome: RunOutcome = self.draw.chance(50) ? .succeeded : .timedOut
        let result = ChildResult(run: id, outcome: outcome, context: .json("5"))
        self.fixture.tell { run, now in run.childEnded(result, at: now) }
        if case .child(let child) = before.position.step, child.run == id { return }
        #expect(self.fixture.run == before)
    }

    private mutating func grant() {
        guard let offer = self.draw.pick(self.fixture.run.offers), let grant = self.fixture.grant(offer) else { return }
        self.leases.append(grant.lease)
        if self.draw.chance(80) { self.fixture.run.started(grant.lease) }
    }

    private mutating func take() -> LeaseRef? {
        guard !self.leases.isEmpty else { return nil }
        let lease = self.leases.remove(at: self.draw.number(below: self.leases.count))
        self.past.append(lease)
        return lease
    }

    private mutating func report() {
        guard let lease = self.take() else { return }
        self.fixture.report(lease, self.result(for: lease.key.path))
    }

    private mutating func result(for path: WorkPath) -> AttemptReport.Result {
        let failure = Failure(code: "taskFailed", message: "no", isRetryable: self.draw.chance(70))
        switch self.draw.number(below: 20) {
        case 0, 1, 2: return .failed(failure, retryAfter: self.draw.chance(30) ? self.draw.span(0...9_000) : nil)
        case 3: return .stopped(Failure(code: "timeout", message: "late"))
        case 4: return .stopped(failure)
        case 5: return .released
        case 6: return .completed(.task(context: nil, next: "nowhere", output: nil))
        default: break
        }
        if self.fixture.run.plan.task(path, in: self.fixture.run.position.state)?.repetition != nil {
            switch self.draw.number(below: 5) {
            case 0, 1: return .completed(.again(cursor: .json("\(self.draw.number(below: 99))"), after: nil))
            case 2: return .completed(.again(cursor: nil, after: self.draw.span(0...9_000)))
            default: break
            }
        }
        let choices = self.fixture.run.plan.states[self.fixture.run.position.state].next
        switch path {
        case .step:
            let next = self.draw.pick(choices)
            if case .router = self.fixture.run.plan.states[self.fixture.run.position.state].step {
                return .completed(.route(next: next ?? ""))
            }
            return .completed(.task(context: .json("1"), next: next, output: nil))
        case .expand:
            let step = self.fixture.run.plan.states[self.fixture.run.position.state].step
            if case .child = step, !self.draw.chance(10) { return .completed(.items([.json("4")])) }
            return .completed(.items(Array(repeating: .json("2"), count: self.draw.number(below: 6))))
        case .branch: return .completed(.output(.json("3")))
        case .undo: return .completed(.undone)
        }
    }

    /// What was answered before changes nothing.
    private mutating func repeatReport() {
        guard let lease = self.draw.pick(self.past) else { return }
        let before = self.fixture.run
        let answer = self.fixture.report(lease, self.result(for: lease.key.path))
        #expect(answer == .lost)
        #expect(self.fixture.run == before)
    }

    private mutating func lose() {
        let reasons: [LossReason] = [.workerGone, .workerMute, .unstarted, .abandoned, .timeout, .released]
        guard let lease = self.take(), let reason = self.draw.pick(reasons) else { return }
        self.fixture.tell { run, now in run.lost(lease, reason, at: now) }
    }

    private mutating func hold() {
        guard let lease = self.draw.pick(self.leases) else { return }
        self.fixture.tell { run, _ in run.hold(lease) }
    }

    private mutating func checkpoint() {
        guard let lease = self.draw.pick(self.leases) else { return }
        let cursor = Payload.json("\(self.draw.number(below: 99))")
        self.fixture.tell { run, now in run.checkpoint(lease, cursor, at: now).decision }
    }

    private mutating func passTime() {
        self.fixture.pass(Int64(self.draw.number(below: 12_000)))
        for case .wake(_, let path) in self.fixture.run.wakes {
            self.fixture.tell { run, now in run.wake(path, at: now) }
        }
    }

    /// The next owner adopts some leases, and declares the others lost.
    private mutating func changeOwner() throws {
        try self.fixture.changeOwner()
        var kept: [LeaseRef] = []
        for lease in self.leases {
            if self.draw.chance(50), self.fixture.run.adopt(lease, worker: RunFixture.worker, at: self.fixture.now) {
                kept.append(lease)
            } else {
                self.past.append(lease)
            }
        }
        self.leases = kept
        self.fixture.tell { run, now in run.recover(.unrecorded, at: now) }
        self.fixture.tell { run, now in run.recover(.held, at: now) }
    }

    /// Events about work that is not there.
    private mutating func wrongPlace() {
        let run = self.fixture.run
        let paths: [WorkPath] = [.step, .expand, .branch(0), .branch(99), .undo(seq: 1)]
        guard let path = self.draw.pick(paths) else { return }
        let key = WorkKey(run: run.id, visit: run.position.visit + self.draw.number(below: 3) - 1, path: path)
        let token = Token(epoch: Epoch(rawValue: 99), counter: 1)
        let lease = LeaseRef(key: key, attempt: 1 + self.draw.number(below: 3), token: token)
        self.fixture.report(lease, self.result(for: path))
        self.fixture.run.started(lease)
        self.fixture.tell { run, now in run.lost(lease, .workerGone, at: now) }
        self.fixture.tell { run, _ in run.hold(lease) }
        self.fixture.tell { run, now in run.checkpoint(lease, .json("1"), at: now).decision }
        #expect(self.fixture.run == run)
    }

    /// What must hold after every event.
    func check(_ comment: Comment) throws {
        #expect(self.fixture.isDense, comment)
        let restored = try self.fixture.restored()
        let now = self.fixture.now
        #expect(restored.withoutLeases(at: now) == self.fixture.run.withoutLeases(at: now), comment)
        var pushes: [Int] = []
        for row in self.fixture.rows {
            if row.kind == .sagaPushed { pushes.append(row.seq) }
            guard row.kind == .compensated else { continue }
            #expect(pushes.popLast() == row.number.map(Int.init), comment)
        }
        if self.isOver { #expect(pushes.isEmpty || self.fixture.run.phase == .finished(.succeeded), comment) }
    }
}

@Suite("Any story of a run")
struct RunStoryTests {
    @Test("can be resumed at every point, is undone in reverse, and ends", arguments: UInt64(0)..<400)
    func story(seed: UInt64) throws {
        var story = try RunStory(seed: seed)
        try story.check("seed \(seed), start")
        for step in 0..<120 where !story.isOver {
            try story.step()
            try story.check("seed \(seed), step \(step)")
        }
        for _ in 0..<3_000 where !story.isOver { story.finish() }
        #expect(
            story.isOver,
            "seed \(seed) does not end: \(story.fixture.run.phase) \(story.fixture.run.position.step)"
        )
        try story.check("seed \(seed), end")
        let end = story.fixture
        for step in 0..<40 {
            try story.step()
            #expect(story.fixture.run.phase == end.run.phase, "seed \(seed): moves after its end, step \(step)")
        }
        #expect(story.fixture.rows == end.rows, "seed \(seed): writes after its end")
    }
}
