// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("A run")
struct RunRuleTests {
    private static func split(
        _ join: JoinPolicy,
        undo: Bool,
        losers: SplitDefinition.Losers = .undo
    ) throws -> RunFixture {
        let split = SplitDefinition(
            expand: RunFixture.task(),
            branch: RunFixture.task(undo: undo),
            join: join,
            losers: losers
        )
        var fixture = try RunFixture([
            StateDefinition(name: "fan", step: .split(split, to: "last")),
            StateDefinition(name: "last", step: .task(run: RunFixture.task(undo: true), to: ["done"])),
        ])
        let expand = try fixture.lease(.expand)
        let items = (0..<3).map { Payload.json("\($0)") }
        try fixture.accept(expand, .completed(.items(items)))
        return fixture
    }

    private let failure = Failure(code: "taskFailed", message: "no", isRetryable: false)

    @Test("leaves its split although a branch was recorded as held before it ended")
    func heldBranchEnds() throws {
        var fixture = try Self.split(.all, undo: false)
        for index in 0..<3 {
            let lease = try fixture.lease(.branch(index))
            fixture.tell { run, _ in run.hold(lease) }
            try fixture.accept(lease, .completed(.output(.json("1"))))
        }
        #expect(fixture.run.plan.states[fixture.run.position.state].name == "last")
    }

    @Test("has an attempt adopted whose pause only the last owner saw end")
    func adoptsAfterPause() throws {
        var fixture = try RunFixture([StateDefinition(name: "a", step: .task(run: RunFixture.task(), to: ["done"]))])
        let first = try fixture.lease(.step)
        fixture.report(first, .failed(Failure(code: "taskFailed", message: "again"), retryAfter: nil))
        fixture.pass(10_000)
        fixture.tell { run, now in run.wake(.step, at: now) }
        let second = try fixture.lease(.step)
        try fixture.changeOwner()
        var adopting = fixture.run
        let isAdopted = adopting.adopt(second, worker: RunFixture.worker, at: fixture.now)
        #expect(isAdopted)
        // Nobody offers it: its end is recorded before the next attempt.
        let decision = fixture.tell { run, now in run.recover(.unrecorded, at: now) }
        #expect(decision.records.map(\.kind) == [.attemptLost])
        #expect(fixture.run.offers.map(\.attempt) == [3])
    }

    @Test("grants nothing that a worker may still hold, and declares it lost only later")
    func waitsForHeld() throws {
        var fixture = try RunFixture([StateDefinition(name: "a", step: .task(run: RunFixture.task(), to: ["done"]))])
        let lease = try fixture.lease(.step)
        fixture.tell { run, _ in run.hold(lease) }
        try fixture.changeOwner()
        let decision = fixture.tell { run, now in run.recover(.unrecorded, at: now) }
        #expect(decision.isEmpty)
        #expect(fixture.run.awaitsHeld)
        #expect(fixture.run.offers.isEmpty)
        fixture.tell { run, now in run.recover(.held, at: now) }
        #expect(fixture.run.offers.map(\.attempt) == [2])
        let isAdopted = fixture.run.adopt(lease, worker: RunFixture.worker, at: fixture.now)
        #expect(!isAdopted)
    }

    @Test("pushes a branch in doubt when it fails for good, also where losers are kept")
    func doubtBeforeDecision() throws {
        var fixture = try Self.split(JoinPolicy(.partial(atLeast: 1)), undo: true, losers: .keep)
        let first = try fixture.lease(.branch(0))
        fixture.run.started(first)
        fixture.tell { run, now in run.lost(first, .workerGone, at: now) }
        let second = try fixture.lease(.branch(0))
        fixture.report(second, .failed(self.failure, retryAfter: nil))
        #expect(fixture.decision.records.map(\.kind) == [.attemptFailed, .branchDone, .sagaPushed])
    }

    @Test("stops what is leased in one record, and awaits only what can be undone")
    func cancelStops() throws {
        var plain = try Self.split(.all, undo: false)
        for index in 0..<3 { _ = try plain.lease(.branch(index)) }
        let decision = plain.tell { run, now in run.cancel(by: "ann", at: now) }
        #expect(decision.records.map(\.kind) == [.attemptLost, .cancelRequested, .finished])

        var undoable = try Self.split(.all, undo: true)
        var leases: [LeaseRef] = []
        for index in 0..<3 { leases.append(try undoable.lease(.branch(index))) }
        undoable.tell { run, now in run.cancel(by: "ann", at: now) }
        #expect(undoable.decision.records.map(\.kind) == [.cancelRequested])
        #expect(undoable.decision.effects.contains(.stop(leases[0], RunFixture.worker)))
        undoable.report(leases[0], .completed(.output(.json("1"))))
        undoable.pass(RunFixture.limits.settleTime.milliseconds)
        undoable.tell { run, now in run.wake(nil, at: now) }
        // The success is undone with its output, the two others because nobody knows.
        #expect(undoable.run.saga.map(\.path) == [.branch(0), .branch(1), .branch(2)])
        #expect(undoable.run.saga.map { $0.output == nil } == [false, true, true])
    }

    @Test("keeps the first reason to end, whoever asks again and whatever the time is")
    func firstReason() throws {
        let task = RunFixture.task(undo: true)
        let state = StateDefinition(name: "a", step: .task(run: task, to: ["done"]))
        var fixture = try RunFixture([state], timeout: .seconds(60))
        _ = try fixture.lease(.step)
        fixture.tell { run, now in run.cancel(by: "ann", at: now) }
        let before = fixture.run
        let again = fixture.tell { run, now in run.cancel(by: "bob", at: now) }
        #expect(again.isEmpty)
        #expect(fixture.run == before)
        fixture.pass(60_000)
        fixture.tell { run, now in run.wake(nil, at: now) }
        guard case .undoing(let undoing) = fixture.run.phase else {
            return #expect(Bool(false), "it does not turn back: \(fixture.run.phase)")
        }
        #expect(undoing.ending == .cancelled(by: "ann"))
    }

    @Test("stays cancelled when an undo fails for good, and counts that")
    func cancelledWithFailedUndo() throws {
        let task = RunFixture.task(undo: true)
        var fixture = try RunFixture([
            StateDefinition(name: "a", step: .task(run: task, to: ["b"])),
            StateDefinition(name: "b", step: .task(run: RunFixture.task(), to: ["done"])),
        ])
        let done = AttemptReport.Completion.task(context: nil, next: nil, output: .json("7"))
        try fixture.accept(try fixture.lease(.step), .completed(done))
        fixture.tell { run, now in run.cancel(by: "ann", at: now) }
        let undo = try #require(fixture.run.offers.first)
        try fixture.accept(try fixture.lease(undo), .failed(self.failure, retryAfter: nil))
        #expect(fixture.run.phase == .finished(.cancelled(by: "ann")))
        #expect(fixture.rows.last?.number == 1)
        #expect(fixture.rows.contains { $0.kind == .compensated && $0.reason == "failed:taskFailed" })
    }

    @Test("is over at once when it starts at an exit", arguments: [ExitDefinition.success, .failure])
    func startsAtExit(exit: ExitDefinition) throws {
        let fixture = try RunFixture([StateDefinition(name: "end", step: .exit(exit))])
        let outcome: RunOutcome = exit == .success ? .succeeded : .failed(.exit("end"))
        #expect(fixture.rows.map(\.kind) == [.started, .finished])
        #expect(fixture.run.phase == .finished(outcome))
        #expect(fixture.offers.isEmpty)
    }

    @Test("names the attempt that succeeded after the cancellation")
    func lateSuccessIsNamed() throws {
        let task = RunFixture.task(undo: true)
        var fixture = try RunFixture([StateDefinition(name: "a", step: .task(run: task, to: ["done"]))])
        let lease = try fixture.lease(.step)
        fixture.tell { run, now in run.cancel(by: "ann", at: now) }
        try fixture.accept(lease, .completed(.task(context: nil, next: nil, output: nil)))
        #expect(fixture.rows.contains { $0.isOutcome(of: lease.token, path: .step) })
        let undo = try #require(fixture.run.offers.first)
        let lost = try fixture.lease(undo)
        try fixture.accept(lost, .completed(.undone))
        #expect(fixture.run.phase == .finished(.cancelled(by: "ann")))
    }

    @Test("gives up an undo that lost its worker too often when somebody cancels it")
    func givesUpUndo() throws {
        let task = RunFixture.task(undo: true)
        var fixture = try RunFixture([
            StateDefinition(name: "a", step: .task(run: task, to: ["b"])),
            StateDefinition(name: "b", step: .task(run: RunFixture.task(attempts: 1), to: ["done"])),
        ])
        let first = try fixture.lease(.step)
        fixture.report(first, .completed(.task(context: nil, next: nil, output: nil)))
        let second = try fixture.lease(.step)
        fixture.report(second, .failed(self.failure, retryAfter: nil))
        for _ in 0..<RunFixture.limits.crashes {
            let offer = try #require(fixture.run.offers.first)
            let undo = try fixture.lease(offer)
            fixture.run.started(undo)
            fixture.tell { run, now in run.lost(undo, .workerGone, at: now) }
        }
        #expect(fixture.run.isBlocked)
        #expect(fixture.run.status == .blocked)
        fixture.tell { run, now in run.cancel(by: "ann", at: now) }
        #expect(fixture.decision.records.map(\.kind) == [.compensated, .finished])
        #expect(fixture.run.phase == .finished(.failed(self.failure)))
    }

    @Test("is not charged when its worker stops")
    func drainIsFree() throws {
        let task = RunFixture.task(attempts: 1)
        var fixture = try RunFixture([StateDefinition(name: "a", step: .task(run: task, to: ["done"]))])
        let lease = try fixture.lease(.step)
        fixture.report(lease, .stopped(Failure(code: Failure.workerStops, message: "the worker stops")))
        #expect(fixture.run.offers.map(\.attempt) == [2])
    }

    @Test("counts branches by fifty thousand without copying them each time")
    func manyBranches() throws {
        let split = SplitDefinition(expand: RunFixture.task(), branch: RunFixture.task(undo: true))
        var fixture = try RunFixture([StateDefinition(name: "fan", step: .split(split, to: "done"))])
        let expand = try fixture.lease(.expand)
        let count = 50_000
        fixture.report(expand, .completed(.items(Array(repeating: .json("1"), count: count))))
        #expect(fixture.offers.count == count + 1)
        for index in 0..<count {
            let lease = try fixture.lease(fixture.offers[index + 1])
            fixture.run.started(lease)
            fixture.report(lease, .completed(.output(.json("2"))))
        }
        #expect(fixture.run.phase == .finished(.succeeded))
        #expect(fixture.isDense)
    }

    @Test("undoes work whose outcome it had to refuse, without an output", arguments: [false, true])
    func refusedOutcome(isByWorker: Bool) throws {
        var fixture = try RunFixture([
            StateDefinition(
                name: "a",
                step: .task(run: RunFixture.task(undo: true, attempts: 1), to: ["done", "sorry"])
            )
        ])
        let lease = try fixture.lease(.step)
        let broken = Failure(code: "invalidOutput", message: "the output is not JSON", isRetryable: false)
        try fixture.accept(
            lease,
            isByWorker ? .stopped(broken) : .completed(.task(context: nil, next: "nowhere", output: .json("1")))
        )
        let undo = try #require(fixture.run.offers.first)
        let granted = fixture.grant(undo)
        let grant = try #require(granted)
        #expect(grant.input == .undo(of: .step, output: nil))
        #expect(try fixture.restored().offers == [undo], "the doubt is durable")
        try fixture.accept(grant.lease, .completed(.undone))
        guard case .finished(.failed(let failure)) = fixture.run.phase else {
            Issue.record("not failed: \(fixture.run.phase)")
            return
        }
        #expect(failure.code == (isByWorker ? "invalidOutput" : "undeclaredState"), "the reason is kept")
    }

    @Test("has nothing to undo when the task says so")
    func plainFailure() throws {
        var fixture = try RunFixture([
            StateDefinition(name: "a", step: .task(run: RunFixture.task(undo: true), to: ["done"]))
        ])
        try fixture.accept(try fixture.lease(.step), .failed(self.failure, retryAfter: nil))
        #expect(fixture.run.offers.isEmpty)
        #expect(fixture.run.phase == .finished(.failed(self.failure)))
    }
}
