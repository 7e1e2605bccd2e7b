// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

/// One run for every state that a run can be in.
private enum Representative: String, CaseIterable {
    case ready, backingOff, leased, started, held, stopping, parked, inDoubt
    case polling, stepping, steppingLeased, pollStopping, branchStepping
    case expanding, expandLeased
    case branches, branchesMixed, settling, branchesParked, timer
    case undoReady, undoLeased, undoBackingOff, undoParked
    case waiting, waitingBounded, keptSignal, childInput, child, childOfEnding, undoBlocked
    case succeeded, failed, cancelled

    private static let failure = Failure(code: "taskFailed", message: "no")
    private static let final = Failure(code: "taskFailed", message: "no", isRetryable: false)

    private func states() -> [StateDefinition] {
        let undoable = RunFixture.task(undo: true)
        var repeated = undoable
        repeated.repetition = Repetition(.poll, errorBudget: 2)
        repeated.within = .seconds(500)
        let last = StateDefinition(name: "last", step: .task(run: RunFixture.task(attempts: 1), to: ["done"]))
        switch self {
        case .waiting, .waitingBounded:
            let isBounded = self == .waitingBounded
            let wait = WaitDefinition(
                signal: "go",
                within: isBounded ? .seconds(20) : nil,
                timeoutTo: isBounded ? "last" : nil
            )
            return [StateDefinition(name: "a", step: .wait(wait, to: "done")), last]
                .filter {
                    isBounded || $0.name == "a"
                }
        case .keptSignal:
            let wait = StateDefinition(name: "w", step: .wait(WaitDefinition(signal: "go"), to: "last"))
            return [StateDefinition(name: "a", step: .task(run: undoable, to: ["w"])), wait, last]
        case .childInput, .child, .childOfEnding:
            let child = ChildDefinition(input: RunFixture.task(), workflow: "other")
            return [StateDefinition(name: "a", step: .child(child, to: "last")), last]
        case .timer: return [StateDefinition(name: "a", step: .timer(after: .seconds(9), to: "done"))]
        case .expanding, .expandLeased, .branches, .branchesMixed, .settling, .branchesParked:
            let join = JoinPolicy(self == .settling ? .any : .all, within: .seconds(60))
            let split = SplitDefinition(expand: RunFixture.task(), branch: undoable, join: join)
            return [StateDefinition(name: "a", step: .split(split, to: "last")), last]
        case .branchStepping:
            let split = SplitDefinition(expand: RunFixture.task(), branch: repeated.unbounded)
            return [StateDefinition(name: "a", step: .split(split, to: "last")), last]
        case .polling, .stepping, .steppingLeased, .pollStopping:
            return [StateDefinition(name: "a", step: .task(run: repeated, to: ["last"])), last]
        case .ready, .backingOff, .leased, .started, .held, .stopping, .parked, .inDoubt, .undoReady, .undoLeased,
            .undoBackingOff, .undoParked, .undoBlocked, .succeeded, .failed, .cancelled:
            return [StateDefinition(name: "a", step: .task(run: undoable, to: ["last"])), last]
        }
    }

    func make() throws -> RunFixture {
        let onUndoFailure: UndoFailure? = self == .undoBlocked ? .block : nil
        var fixture = try RunFixture(self.states(), timeout: .seconds(600), onUndoFailure: onUndoFailure)
        switch self {
        case .ready, .expanding, .timer, .waiting, .waitingBounded, .childInput: break
        case .keptSignal: fixture.signal("go", id: "first")
        case .child, .childOfEnding:
            try fixture.accept(try fixture.lease(.expand), .completed(.items([.json("1")])))
            if self == .childOfEnding { fixture.tell { run, now in run.cancel(by: "ann", at: now) } }
        case .backingOff: fixture.report(try fixture.lease(.step), .failed(Self.failure, retryAfter: nil))
        case .leased: _ = try fixture.lease(.step)
        case .started: fixture.run.started(try fixture.lease(.step))
        case .held:
            let lease = try fixture.lease(.step)
            fixture.tell { run, _ in run.hold(lease) }
        case .stopping:
            _ = try fixture.lease(.step)
            fixture.tell { run, now in run.cancel(by: "ann", at: now) }
        case .parked: try Self.crash(&fixture, times: 3)
        case .inDoubt: try Self.crash(&fixture, times: 1)
        case .expandLeased: _ = try fixture.lease(.expand)
        case .polling, .stepping, .steppingLeased, .pollStopping: try self.makeRepeated(&fixture)
        case .branchStepping:
            try fixture.accept(try fixture.lease(.expand), .completed(.items([.json("1"), .json("2")])))
            let lease = try fixture.lease(.branch(1))
            try fixture.accept(lease, .completed(.again(cursor: .json("6"), after: nil)))
            _ = try fixture.lease(.branch(0))
        case .branches, .branchesMixed, .settling, .branchesParked: try self.makeBranches(&fixture)
        case .undoReady, .undoLeased, .undoBackingOff, .undoParked, .undoBlocked, .succeeded, .failed, .cancelled:
            try self.makeEnd(&fixture)
        }
        return fixture
    }

    private func makeBranches(_ fixture: inout RunFixture) throws {
        let items = (0..<4).map { Payload.json("\($0)") }
        try fixture.accept(try fixture.lease(.expand), .completed(.items(items)))
        switch self {
        case .branches: break
        case .settling:
            _ = try fixture.lease(.branch(1))
            try fixture.accept(try fixture.lease(.branch(0)), .completed(.output(.json("1"))))
        case .branchesParked:
            for index in 0..<4 { try Self.crash(&fixture, times: 3, path: .branch(index)) }
        default:
            try fixture.accept(try fixture.lease(.branch(0)), .completed(.output(.json("1"))))
            fixture.report(try fixture.lease(.branch(1)), .failed(Self.failure, retryAfter: nil))
            _ = try fixture.lease(.branch(2))
        }
    }

    private func makeRepeated(_ fixture: inout RunFixture) throws {
        let pause = self == .polling ? Span.seconds(20) : nil
        let cursor = self == .polling ? nil : Payload.json("5")
        try fixture.accept(try fixture.lease(.step), .completed(.again(cursor: cursor, after: pause)))
        if self == .steppingLeased || self == .pollStopping { _ = try fixture.lease(.step) }
        if self == .pollStopping { fixture.tell { run, now in run.cancel(by: "ann", at: now) } }
    }

    private func makeEnd(_ fixture: inout RunFixture) throws {
        if self == .cancelled {
            fixture.tell { run, now in run.cancel(by: "ann", at: now) }
            return
        }
        try fixture.accept(try fixture.lease(.step), .completed(.task(context: nil, next: nil, output: .json("7"))))
        let last = try fixture.lease(.step)
        if self == .succeeded {
            try fixture.accept(last, .completed(.task(context: nil, next: nil, output: nil)))
            return
        }
        try fixture.accept(last, .failed(Self.final, retryAfter: nil))
        let undo = try #require(fixture.run.offers.first)
        switch self {
        case .undoLeased: _ = try fixture.lease(undo)
        case .undoBackingOff: fixture.report(try fixture.lease(undo), .failed(Self.failure, retryAfter: nil))
        case .undoBlocked: fixture.report(try fixture.lease(undo), .failed(Self.final, retryAfter: nil))
        case .undoParked: try Self.crash(&fixture, times: 3, path: undo.key.path)
        case .failed: try fixture.accept(try fixture.lease(undo), .completed(.undone))
        default: break
        }
    }

    private static func crash(_ fixture: inout RunFixture, times: Int, path: WorkPath = .step) throws {
        for _ in 0..<times {
            let lease = try fixture.lease(path)
            fixture.run.started(lease)
            fixture.tell { run, now in run.lost(lease, .workerGone, at: now) }
        }
    }
}

/// Everything that a run can be told; tokens are right where the run has leases.
private enum Occurrence: String, CaseIterable {
    case grant, grantWrongAttempt, adopt, adoptStale, started, hold, holdStale
    case completedTask, completedRoute, completedItems, completedOutput, completedUndone, undeclaredState
    case again, againLater, checkpoint, checkpointStale
    case failed, failedForGood, retryAfter, stopped, stoppedTimeout, stoppedDrain, released
    case staleToken, wrongAttempt, wrongVisit
    case lostGone, lostMute, lostUnstarted, lostOwner, lostAbandoned, lostTimeout, lostReleased, lostStale
    case signal, signalAgain, signalUnknown, childEnded, otherChildEnded, retry, skip, resolve, migrate
    case wakeEarly, wakeOnTime, wakeAfterTheEnd, cancel, recoverUnrecorded, recoverHeld, restore

    /// Whether it must change nothing, whatever the run is doing.
    var isVoid: Bool {
        switch self {
        case .grantWrongAttempt, .adoptStale, .holdStale, .staleToken, .wrongAttempt, .wrongVisit, .lostStale,
            .signalUnknown, .otherChildEnded, .checkpointStale:
            true
        default: false
        }
    }

    func happen(to fixture: inout RunFixture) throws {
        let failure = Failure(code: "taskFailed", message: "no")
        let final = Failure(code: "taskFailed", message: "no", isRetryable: false)
        switch self {
        case .grant: for offer in fixture.run.offers { _ = fixture.grant(offer) }
        case .grantWrongAttempt:
            for var offer in fixture.run.offers {
                offer.attempt += 1
                let grant = fixture.grant(offer)
                #expect(grant == nil)
            }
        case .adopt, .adoptStale: try self.adopt(by: &fixture)
        case .started: for lease in self.leases(of: fixture) { fixture.run.started(lease) }
        case .hold, .holdStale:
            for lease in self.leases(of: fixture) { fixture.tell { run, _ in run.hold(lease) } }
        case .completedTask: self.report(.completed(.task(context: nil, next: nil, output: nil)), to: &fixture)
        case .completedRoute: self.report(.completed(.route(next: "last")), to: &fixture)
        case .completedItems: self.report(.completed(.items([.json("1"), .json("2")])), to: &fixture)
        case .completedOutput: self.report(.completed(.output(.json("3"))), to: &fixture)
        case .completedUndone, .staleToken, .wrongAttempt, .wrongVisit:
            self.report(.completed(.undone), to: &fixture)
        case .again: self.report(.completed(.again(cursor: .json("9"), after: nil)), to: &fixture)
        case .againLater: self.report(.completed(.again(cursor: nil, after: .seconds(100))), to: &fixture)
        case .checkpoint, .checkpointStale:
            for lease in self.leases(of: fixture) {
                fixture.tell { run, now in run.checkpoint(lease, .json("8"), at: now).decision }
            }
        case .undeclaredState: self.report(.completed(.task(context: nil, next: "x", output: nil)), to: &fixture)
        case .failed: self.report(.failed(failure, retryAfter: nil), to: &fixture)
        case .failedForGood: self.report(.failed(final, retryAfter: nil), to: &fixture)
        case .retryAfter: self.report(.failed(failure, retryAfter: .seconds(90)), to: &fixture)
        case .stopped: self.report(.stopped(failure), to: &fixture)
        case .stoppedTimeout: self.report(.stopped(Failure(code: "timeout", message: "late")), to: &fixture)
        case .stoppedDrain: self.report(.stopped(Failure(code: Failure.workerStops, message: "ends")), to: &fixture)
        case .released: self.report(.released, to: &fixture)
        case .lostGone, .lostMute, .lostUnstarted, .lostOwner, .lostAbandoned, .lostTimeout, .lostReleased, .lostStale:
            for lease in self.leases(of: fixture) {
                fixture.tell { run, now in run.lost(lease, self.reason, at: now) }
            }
        case .signal: fixture.signal("go", id: "second")
        case .signalAgain: for _ in 0..<2 { fixture.signal("go", id: "third") }
        case .signalUnknown: fixture.signal("stop")
        case .childEnded, .otherChildEnded: self.endChild(of: &fixture)
        case .retry, .skip, .resolve: self.intervene(&fixture)
        case .migrate: try self.migrate(&fixture)
        case .wakeEarly, .wakeOnTime, .wakeAfterTheEnd: self.wake(&fixture)
        case .cancel: fixture.tell { run, now in run.cancel(by: "bob", at: now) }
        case .recoverUnrecorded: fixture.tell { run, now in run.recover(.unrecorded, at: now) }
        case .recoverHeld: fixture.tell { run, now in run.recover(.held, at: now) }
        case .restore:
            try fixture.changeOwner()
            fixture.tell { run, now in run.recover(.unrecorded, at: now) }
            fixture.tell { run, now in run.recover(.held, at: now) }
        }
    }

    private var reason: LossReason {
        switch self {
        case .lostMute: .workerMute
        case .lostUnstarted: .unstarted
        case .lostOwner: .owner
        case .lostAbandoned: .abandoned
        case .lostTimeout: .timeout
        case .lostReleased: .released
        default: .workerGone
        }
    }

    /// The run's leases, or what is wrong in the way that this case says.
    private func leases(of fixture: RunFixture) -> [LeaseRef] {
        fixture.run.leases.map { ref, _ in
            var ref = ref
            switch self {
            case .staleToken, .lostStale, .holdStale, .checkpointStale:
                ref.token = Token(epoch: Epoch(rawValue: 0), counter: 1)
            case .wrongAttempt: ref.attempt += 1
            case .wrongVisit: ref.key.visit += 1
            default: break
            }
            return ref
        }
    }

    private func report(_ result: AttemptReport.Result, to fixture: inout RunFixture) {
        for lease in self.leases(of: fixture) { fixture.report(lease, result) }
    }

    private func adopt(by fixture: inout RunFixture) throws {
        var leases = fixture.run.leases.map(\.0)
        leases += fixture.run.offers.map { offer in
            let token = Token(epoch: Epoch(rawValue: 0), counter: 5)
            return LeaseRef(key: offer.key, attempt: offer.attempt, token: token)
        }
        for var lease in leases {
            if self == .adoptStale { lease.attempt -= 1 }
            let isAdopted = fixture.run.adopt(lease, worker: RunFixture.worker, at: fixture.now)
            #expect(isAdopted == (self == .adopt))
        }
    }

    private func endChild(of fixture: inout RunFixture) {
        var id = RunID(high: 1, low: 1)
        if self == .childEnded, case .child(let child) = fixture.run.position.step { id = child.run }
        let result = ChildResult(run: id, outcome: .cancelled(by: "ann"), context: nil)
        fixture.tell { run, now in run.childEnded(result, at: now) }
    }

    private func intervene(_ fixture: inout RunFixture) {
        let wasStuck = !fixture.run.stuckPaths.isEmpty
        let before = fixture.run
        var intervention = Intervention(self == .retry ? .retry : self == .skip ? .skip : .resolve)
        if self == .resolve { intervention.output = .json("9") }
        if fixture.intervene(intervention) != nil {
            #expect(!wasStuck)
            #expect(fixture.run == before)
        } else {
            #expect(fixture.run.stuckPaths.isEmpty)
        }
    }

    private func migrate(_ fixture: inout RunFixture) throws {
        var definition = fixture.run.plan.definition
        definition.version = 2
        let plan = try Plan(definition, limits: RunFixture.limits)
        let before = fixture.run
        let refusal = fixture.ask { run, now throws(Refusal) in try run.migrate(to: plan, StateMap(), at: now) }
        #expect(refusal == nil ? fixture.run.plan.key.version == 2 : fixture.run == before)
    }

    private func wake(_ fixture: inout RunFixture) {
        if self != .wakeEarly { fixture.pass(self == .wakeOnTime ? 30_000 : 700_000) }
        for path in [nil, .step, .expand, .branch(0), .branch(1), .undo(seq: 2)] as [WorkPath?] {
            fixture.tell { run, now in run.wake(path, at: now) }
        }
    }
}

@Suite("Every state of a run with every event")
struct RunTableTests {
    @Test(
        "traps never, writes densely, can be resumed, and stale words change nothing",
        arguments: Representative.allCases
    )
    private func pairs(_ state: Representative) throws {
        for occurrence in Occurrence.allCases {
            var fixture = try state.make()
            let before = fixture
            try occurrence.happen(to: &fixture)
            let comment = Comment(rawValue: "\(state.rawValue) with \(occurrence.rawValue)")
            #expect(fixture.isDense, comment)
            let restored = try fixture.restored().withoutLeases(at: fixture.now)
            #expect(restored == fixture.run.withoutLeases(at: fixture.now), comment)
            if occurrence.isVoid {
                #expect(fixture.run == before.run, comment)
                #expect(fixture.rows == before.rows, comment)
            }
            if case .finished = before.run.phase {
                #expect(fixture.run.phase == before.run.phase, comment)
                #expect(fixture.rows == before.rows, comment)
            }
            if occurrence == .wakeEarly { #expect(fixture.run == before.run, comment) }
            if occurrence == .wakeAfterTheEnd, case .forward = fixture.run.phase {
                #expect(fixture.run.position.ending != nil, comment)
            }
        }
    }

    @Test(
        "a cancel ends at once what no worker has to be asked about",
        arguments: [
            Representative.ready, .backingOff, .polling, .stepping, .expanding, .expandLeased, .branches, .timer,
            .waiting, .waitingBounded,
        ]
    )
    private func cancelled(_ state: Representative) throws {
        var fixture = try state.make()
        fixture.tell { run, now in run.cancel(by: "bob", at: now) }
        #expect(fixture.run.phase == .finished(.cancelled(by: "bob")))
        #expect(fixture.run.offers.isEmpty && fixture.run.leases.isEmpty)
    }

    @Test("the representatives are what they are called")
    func representatives() throws {
        let blocked = try Representative.allCases.filter { try $0.make().run.isBlocked }
        #expect(blocked == [.parked, .branchesParked, .undoParked, .undoBlocked])
        let leased = try Representative.allCases.filter { try !$0.make().run.leases.isEmpty }
        #expect(
            leased == [
                .leased, .started, .held, .stopping, .steppingLeased, .pollStopping, .branchStepping, .expandLeased,
                .branchesMixed, .settling, .undoLeased,
            ]
        )
    }
}

extension TaskDefinition {
    /// The same task as a branch may have it.
    fileprivate var unbounded: TaskDefinition {
        var task = self
        task.within = nil
        return task
    }
}
