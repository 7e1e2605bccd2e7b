// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("What people decide about blocked work")
struct InterventionTests {
    private static let final = Failure(code: "bankDown", message: "no", isRetryable: false)

    /// A run whose undo failed for good and blocks it.
    private static func undoBlocked() throws -> RunFixture {
        let first = StateDefinition(name: "pay", step: .task(run: RunFixture.task(undo: true), to: ["ship"]))
        let second = StateDefinition(name: "ship", step: .task(run: RunFixture.task(undo: true), to: ["bill"]))
        let third = StateDefinition(name: "bill", step: .task(run: RunFixture.task(), to: ["done"]))
        var fixture = try RunFixture([first, second, third], onUndoFailure: .block)
        for output in ["1", "2"] {
            let done = AttemptReport.Completion.task(context: nil, next: nil, output: .json(output))
            try fixture.accept(try fixture.lease(.step), .completed(done))
        }
        try fixture.accept(try fixture.lease(.step), .failed(Self.final, retryAfter: nil))
        let undo = try #require(fixture.run.offers.first)
        try fixture.accept(try fixture.lease(undo), .failed(Self.final, retryAfter: nil))
        return fixture
    }

    /// A run whose first step lost its worker too often, after so many owners were lost together with it.
    private static func parked(_ step: StepDefinition, losing owners: Int = 0) throws -> RunFixture {
        let last = StateDefinition(name: "last", step: .task(run: RunFixture.task(), to: ["done"]))
        let other = StateDefinition(name: "other", step: .timer(after: .seconds(5), to: "done"))
        let used = [last, other].filter { step.next.contains($0.name) }
        var fixture = try RunFixture([StateDefinition(name: "a", step: step)] + used)
        for reason in Array(repeating: .owner, count: owners) + [LossReason.workerGone, .workerGone, .workerGone] {
            let lease = try fixture.lease(.step)
            fixture.run.started(lease)
            fixture.tell { run, now in run.lost(lease, reason, at: now) }
        }
        return fixture
    }

    @Test("an undo that failed for good blocks the run, keeps its output, and says what to do")
    func blocks() throws {
        var fixture = try Self.undoBlocked()
        #expect(fixture.run.isBlocked)
        #expect(fixture.run.saga.last?.output == .json("2"))
        #expect(fixture.run.blockage?.contains("the undo of 'ship' failed 1 times") == true)
        try fixture.changeOwner()
        #expect(fixture.run.isBlocked)
        #expect(fixture.run.offers.isEmpty)
    }

    @Test("retry gives the undo all its attempts again, and the order of the undo is kept")
    func retry() throws {
        var fixture = try Self.undoBlocked()
        #expect(fixture.intervene(Intervention(.retry, note: "the bank is up")) == nil)
        try fixture.changeOwner()
        #expect(!fixture.run.isBlocked)
        let offer = try #require(fixture.run.offers.first)
        try fixture.accept(try fixture.lease(offer), .completed(.undone))
        let next = try #require(fixture.run.offers.first)
        try fixture.accept(try fixture.lease(next), .completed(.undone))
        #expect(fixture.run.phase == .finished(.failed(Self.final)))
        #expect(fixture.rows.filter { $0.kind == .compensated }.compactMap(\.number) == [4, 2])
    }

    @Test("skip counts the undo as not undone and goes on with the next one; resolve counts it as undone")
    func skipAndResolve() throws {
        for (verb, notUndone) in [(Intervention.Verb.skip, 1), (.resolve, 0)] {
            var fixture = try Self.undoBlocked()
            #expect(fixture.intervene(Intervention(verb, note: "by hand")) == nil)
            try fixture.changeOwner()
            let next = try #require(fixture.run.offers.first)
            try fixture.accept(try fixture.lease(next), .completed(.undone))
            #expect(fixture.rows.last?.number == Int64(notUndone), "\(verb)")
            let row = try #require(fixture.rows.first { $0.kind == .intervened })
            #expect(try row.record() == .intervened(.undo(seq: 4), verb, by: "ann", note: "by hand"))
        }
    }

    @Test("without the policy a failed undo is counted, kept in the history with its output, and the next one runs")
    func continues() throws {
        let first = StateDefinition(name: "pay", step: .task(run: RunFixture.task(undo: true), to: ["bill"]))
        let second = StateDefinition(name: "bill", step: .task(run: RunFixture.task(), to: ["done"]))
        var fixture = try RunFixture([first, second])
        try fixture.accept(try fixture.lease(.step), .completed(.task(context: nil, next: nil, output: .json("1"))))
        try fixture.accept(try fixture.lease(.step), .failed(Self.final, retryAfter: nil))
        let undo = try #require(fixture.run.offers.first)
        try fixture.accept(try fixture.lease(undo), .failed(Self.final, retryAfter: nil))
        #expect(fixture.rows.last?.kind == .finished)
        #expect(fixture.rows.last?.number == 1)
        #expect(fixture.rows.first { $0.kind == .sagaPushed }?.payload == .json("1"))
        #expect(fixture.rows.contains { $0.kind == .compensated && $0.reason == "failed:bankDown" })
    }

    @Test("a parked step is tried again, given up, or done by hand")
    func step() throws {
        var retried = try Self.parked(.task(run: RunFixture.task(), to: ["last"]))
        #expect(retried.intervene(Intervention(.retry)) == nil)
        #expect(retried.run.offers.first?.isExclusive == false)

        var skipped = try Self.parked(.task(run: RunFixture.task(undo: true), to: ["last"]))
        #expect(skipped.intervene(Intervention(.skip)) == nil)
        let undo = try #require(skipped.run.offers.first)
        #expect(undo.key.path != .step)

        var resolved = try Self.parked(.task(run: RunFixture.task(undo: true), to: ["last"]))
        var intervention = Intervention(.resolve, note: "paid at the counter")
        intervention.output = .json(#"{"paid":true}"#)
        #expect(resolved.intervene(intervention) == nil)
        try resolved.changeOwner()
        #expect(resolved.run.position.context == .json(#"{"paid":true}"#))
        #expect(resolved.run.saga.map(\.output) == [nil])
    }

    @Test("what is tried again starts as if neither its worker nor its owner had been lost")
    func anew() throws {
        var fixture = try Self.parked(.task(run: RunFixture.task(), to: ["last"]), losing: 1)
        let before = try #require(fixture.run.unit(.step, visit: 1))
        #expect(before.lostItsOwner && before.crashes == 3)
        #expect(fixture.intervene(Intervention(.retry)) == nil)
        let after = try #require(fixture.run.unit(.step, visit: 1))
        #expect(!after.lostItsOwner && after.crashes == 0)
        try fixture.changeOwner()
        #expect(fixture.run.unit(.step, visit: 1)?.lostItsOwner == false)
    }

    @Test("a step that may choose is resolved only with a state that it leads to")
    func choice() throws {
        var fixture = try Self.parked(.task(run: RunFixture.task(), to: ["last", "other"]))
        #expect(fixture.intervene(Intervention(.resolve))?.message.contains("say which state") == true)
        #expect(fixture.intervene(Intervention(.resolve, next: "sorry"))?.code == .invalidInput)
        #expect(fixture.intervene(Intervention(.resolve, next: "other")) == nil)
        #expect(fixture.run.plan.states[fixture.run.position.state].name == "other")
    }

    @Test("a run that is not blocked refuses every verb", arguments: Intervention.Verb.allCases)
    func notBlocked(verb: Intervention.Verb) throws {
        let states = [StateDefinition(name: "a", step: .task(run: RunFixture.task(), to: ["done"]))]
        var fixture = try RunFixture(states)
        let refusal = fixture.intervene(Intervention(verb))
        #expect(refusal?.code == .wrongState)
        #expect(refusal?.message.contains("nothing to \(verb.rawValue)") == true)
    }
}
