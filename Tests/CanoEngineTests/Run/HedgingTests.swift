// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Hedging")
struct HedgingTests {
    private static let failure = Failure(code: "taskFailed", message: "no")
    private static let done = AttemptReport.Result.completed(.task(context: .json("1"), next: nil, output: .json("2")))

    /// A run with two leases of one attempt.
    private static func fixture(undo: Bool = false) throws -> (RunFixture, first: LeaseRef, second: LeaseRef) {
        var task = RunFixture.task(undo: undo)
        task.hedge = .seconds(2)
        var fixture = try RunFixture([
            StateDefinition(name: "a", step: .task(run: task, to: ["b"])),
            StateDefinition(name: "b", step: .task(run: RunFixture.task(), to: ["done"])),
        ])
        let offer = try #require(fixture.run.offers.first)
        let first = try fixture.lease(.step)
        let early = fixture.grant(offer)
        #expect(early == nil, "a second lease before its time")
        #expect(fixture.run.wakes.contains(.wake(at: fixture.now.advanced(by: .seconds(2)), .step)))
        fixture.pass(2_000)
        fixture.tell { run, now in run.wake(.step, at: now) }
        let second = try #require(fixture.offers.last)
        #expect(second.avoided == RunFixture.worker)
        let lease = try fixture.lease(second)
        #expect(lease.attempt == first.attempt && lease.token > first.token)
        let third = fixture.grant(second)
        #expect(third == nil, "a third lease")
        return (fixture, first, lease)
    }

    @Test("the first outcome wins, and the other lease is revoked", arguments: [false, true])
    func first(isSecond: Bool) throws {
        var (fixture, first, second) = try Self.fixture(undo: true)
        let (winner, loser) = isSecond ? (second, first) : (first, second)
        try fixture.accept(winner, Self.done)
        #expect(fixture.decision.effects.contains(.revoke(loser, RunFixture.worker)))
        let late = fixture.report(loser, Self.done)
        #expect(late == .lost)
        #expect(fixture.rows.map(\.kind) == [.started, .attemptLost, .sagaPushed, .entered])
        #expect(fixture.rows.last?.token == winner.token)
        #expect(fixture.run.saga.count == 1)
    }

    @Test(
        "a failure of one leaves the other one; only the last failure is one of the attempt",
        arguments: [false, true]
    )
    func failures(isSecond: Bool) throws {
        var (fixture, first, second) = try Self.fixture()
        let order = isSecond ? [second, first] : [first, second]
        try fixture.accept(order[0], .failed(Self.failure, retryAfter: nil))
        #expect(fixture.run.leases.map(\.0) == [order[1]])
        try fixture.accept(order[1], .failed(Self.failure, retryAfter: .seconds(1)))
        #expect(fixture.run.unit(.step, visit: 1)?.failures == 1)
        #expect(fixture.run.unit(.step, visit: 1)?.attempt == 2)
    }

    @Test("a lost worker leaves the other one", arguments: [false, true])
    func lost(isSecond: Bool) throws {
        var (fixture, first, second) = try Self.fixture()
        let (gone, left) = isSecond ? (second, first) : (first, second)
        fixture.run.started(gone)
        fixture.tell { run, now in run.lost(gone, .workerGone, at: now) }
        try fixture.accept(left, Self.done)
        #expect(fixture.run.position.visit == 2)
    }

    @Test("a cancel ends the second lease at once and asks the first to stop")
    func cancelled() throws {
        var (fixture, first, second) = try Self.fixture(undo: true)
        fixture.tell { run, now in run.cancel(by: "ann", at: now) }
        #expect(fixture.decision.effects.contains(.revoke(second, RunFixture.worker)))
        #expect(fixture.decision.effects.contains(.stop(first, RunFixture.worker)))
        try fixture.accept(first, .released)
        // Nobody knows what the second one did.
        #expect(fixture.run.saga.map(\.output) == [nil])
    }

    @Test("another owner goes on with one of them")
    func owner() throws {
        var (fixture, first, second) = try Self.fixture()
        try fixture.changeOwner()
        let isSecond = fixture.run.adopt(second, worker: RunFixture.worker, at: fixture.now)
        let isFirst = fixture.run.adopt(first, worker: RunFixture.worker, at: fixture.now)
        #expect(isSecond && !isFirst)
        try fixture.accept(second, Self.done)
        #expect(fixture.run.position.visit == 2)
    }
}
