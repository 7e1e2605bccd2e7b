// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Work that takes several attempts")
struct RepetitionTests {
    private static let failure = Failure(code: "taskFailed", message: "no")

    private static func fixture(
        _ repetition: Repetition,
        attempts: Int = 3,
        within: Span? = nil,
        undo: Bool = false
    ) throws -> RunFixture {
        var task = RunFixture.task(undo: undo, attempts: attempts)
        task.repetition = repetition
        task.within = within
        return try RunFixture([
            StateDefinition(name: "a", step: .task(run: task, to: ["b"])),
            StateDefinition(name: "b", step: .task(run: task, to: ["done"])),
        ])
    }

    private static func again(_ cursor: String?, after: Span? = nil) -> AttemptReport.Result {
        .completed(.again(cursor: cursor.map(Payload.json), after: after))
    }

    private static func cursor(_ fixture: inout RunFixture) throws -> Payload? {
        let offer = try #require(fixture.run.offers.first)
        let grant = fixture.grant(offer)
        return try #require(grant).cursor
    }

    @Test("the next attempt is given the cursor, and keeps it when it leaves none")
    func cursor() throws {
        var fixture = try Self.fixture(Repetition(.stepped))
        try fixture.accept(try fixture.lease(.step), Self.again("1"))
        #expect(fixture.offers.last?.attempt == 2)
        try fixture.accept(try fixture.lease(.step), Self.again(nil))
        let cursor = try Self.cursor(&fixture)
        #expect(cursor == .json("1"))
    }

    @Test("a step that fails is tried again with the cursor that it had")
    func sameCursor() throws {
        var fixture = try Self.fixture(Repetition(.stepped))
        try fixture.accept(try fixture.lease(.step), Self.again("1"))
        for attempt in 3...4 {
            try fixture.accept(try fixture.lease(.step), .failed(Self.failure, retryAfter: Span(milliseconds: 0)))
            fixture.tell { run, now in run.wake(.step, at: now) }
            #expect(fixture.run.offers.map(\.attempt) == [attempt])
        }
        let cursor = try Self.cursor(&fixture)
        #expect(cursor == .json("1"))
    }

    @Test("another owner goes on from the newest cursor")
    func resumed() throws {
        var fixture = try Self.fixture(Repetition(.stepped))
        for step in 1...3 { try fixture.accept(try fixture.lease(.step), Self.again("\(step)")) }
        _ = try fixture.lease(.step)
        try fixture.changeOwner()
        fixture.tell { run, now in run.recover(.unrecorded, at: now) }
        #expect(fixture.run.offers.first?.attempt == 5)
        let cursor = try Self.cursor(&fixture)
        #expect(cursor == .json("3"))
    }

    @Test("a cursor belongs to its visit: the next state begins without one")
    func visit() throws {
        var fixture = try Self.fixture(Repetition(.stepped))
        try fixture.accept(try fixture.lease(.step), Self.again("1"))
        try fixture.accept(try fixture.lease(.step), .completed(.task(context: nil, next: nil, output: nil)))
        let cursor = try Self.cursor(&fixture)
        #expect(cursor == nil)
    }

    @Test("the pause is the attempt's, else the definition's, and the run waits for it as a row")
    func pause() throws {
        var fixture = try Self.fixture(Repetition(.poll, pause: .seconds(100)))
        try fixture.accept(try fixture.lease(.step), Self.again(nil))
        #expect(fixture.run.dormantUntil == fixture.now.advanced(by: .seconds(100)))
        #expect(fixture.run.offers.isEmpty)
        fixture.pass(100_000)
        fixture.tell { run, now in run.wake(.step, at: now) }
        try fixture.accept(try fixture.lease(.step), Self.again(nil, after: .seconds(7)))
        #expect(fixture.run.dormantUntil == fixture.now.advanced(by: .seconds(7)))
    }

    @Test("failures count from the last good attempt on")
    func consecutive() throws {
        var fixture = try Self.fixture(Repetition(.poll), attempts: 2)
        for _ in 0..<5 {
            try fixture.accept(try fixture.lease(.step), .failed(Self.failure, retryAfter: Span(milliseconds: 0)))
            fixture.tell { run, now in run.wake(.step, at: now) }
            try fixture.accept(try fixture.lease(.step), Self.again(nil))
        }
        #expect(fixture.run.phase == .forward)
    }

    @Test("an error budget counts all failures of the visit, under any owner")
    func budget() throws {
        var fixture = try Self.fixture(Repetition(.poll, errorBudget: 2), attempts: 2)
        for _ in 0..<2 {
            try fixture.accept(try fixture.lease(.step), .failed(Self.failure, retryAfter: Span(milliseconds: 0)))
            fixture.tell { run, now in run.wake(.step, at: now) }
            try fixture.accept(try fixture.lease(.step), Self.again(nil))
            try fixture.changeOwner()
        }
        try fixture.accept(try fixture.lease(.step), .failed(Self.failure, retryAfter: nil))
        #expect(fixture.run.phase == .finished(.failed(Self.failure)))
    }

    @Test("when the time of the state is up, it fails, whatever it is doing", arguments: [false, true])
    func deadline(isLeased: Bool) throws {
        var fixture = try Self.fixture(Repetition(.poll, pause: .seconds(90)), within: .seconds(60))
        if isLeased {
            _ = try fixture.lease(.step)
        } else {
            try fixture.accept(try fixture.lease(.step), Self.again(nil))
        }
        #expect(fixture.run.wakes.contains(.wake(at: fixture.now.advanced(by: .seconds(60)), nil)))
        fixture.pass(59_999)
        fixture.tell { run, now in run.wake(nil, at: now) }
        #expect(fixture.run.phase == .forward)
        fixture.pass(1)
        try fixture.changeOwner()
        fixture.tell { run, now in run.wake(nil, at: now) }
        guard case .finished(.failed(let failure)) = fixture.run.phase else { return #expect(Bool(false), "goes on") }
        #expect(failure.code == "deadline")
    }

    @Test("a task that was not declared so cannot ask for another attempt")
    func undeclared() throws {
        var fixture = try RunFixture([
            StateDefinition(name: "a", step: .task(run: RunFixture.task(attempts: 1), to: ["done"]))
        ])
        try fixture.accept(try fixture.lease(.step), Self.again("1"))
        guard case .finished(.failed(let failure)) = fixture.run.phase else { return #expect(Bool(false), "goes on") }
        #expect(failure.code == "protocolViolation")
    }

    @Test("a run that is to end goes no further after a good attempt")
    func cancelled() throws {
        var fixture = try Self.fixture(Repetition(.stepped), undo: true)
        let lease = try fixture.lease(.step)
        fixture.tell { run, now in run.cancel(by: "ann", at: now) }
        try fixture.accept(lease, Self.again("1", after: .seconds(30)))
        #expect(fixture.run.phase == .finished(.cancelled(by: "ann")))
    }

    @Test("T-SCAN-6, T-SCAN-7: a run that waits, by a timer or between two questions, is cancelled at once")
    func cancelledWait() throws {
        var polling = try Self.fixture(Repetition(.poll, pause: .seconds(100)))
        try polling.accept(try polling.lease(.step), Self.again(nil))
        polling.tell { run, now in run.cancel(by: "ann", at: now) }
        #expect(polling.run.phase == .finished(.cancelled(by: "ann")))
        var timer = try RunFixture([StateDefinition(name: "a", step: .timer(after: .seconds(9), to: "done"))])
        timer.tell { run, now in run.cancel(by: "ann", at: now) }
        #expect(timer.run.phase == .finished(.cancelled(by: "ann")))
    }

    @Test("a checkpoint is durable while the attempt goes on, and the next attempt begins from the newest one")
    func checkpoints() throws {
        var fixture = try Self.fixture(Repetition(.stream), attempts: 2)
        let lease = try fixture.lease(.step)
        for cursor in 1...5 {
            let decision = fixture.tell { run, now in run.checkpoint(lease, .json("\(cursor)"), at: now).decision }
            #expect(decision.records.count == 1)
        }
        // The history keeps two of them.
        #expect(fixture.rows.map(\.seq) == [1, 5, 6])
        try fixture.changeOwner()
        #expect(fixture.run.awaitsHeld, "a checkpoint says who has the attempt")
        let isAdopted = fixture.run.adopt(lease, worker: RunFixture.worker, at: fixture.now)
        #expect(isAdopted)
        fixture.tell { run, now in run.lost(lease, .workerGone, at: now) }
        let cursor = try Self.cursor(&fixture)
        #expect(cursor == .json("5"))
    }

    @Test("a history that lacks other records than replaced cursors is told from one that is whole")
    func missing() throws {
        var fixture = try Self.fixture(Repetition(.stepped))
        for step in 1...5 { try fixture.accept(try fixture.lease(.step), Self.again("\(step)")) }
        _ = try fixture.restored()
        var torn = fixture
        torn.rows.remove(at: 1)
        #expect(throws: CanoError.self) { try torn.restored() }
        let lease = try fixture.lease(.step)
        fixture.tell { run, _ in run.hold(lease) }
        try fixture.accept(lease, Self.again("6"))
        fixture.rows.removeAll { $0.kind == .attemptHeld }
        #expect(throws: CanoError.self) { try fixture.restored() }
    }

    @Test("good attempts forget the crashes before them")
    func crashes() throws {
        var fixture = try Self.fixture(Repetition(.stepped))
        for _ in 0..<4 {
            for _ in 0..<2 {
                let lease = try fixture.lease(.step)
                fixture.run.started(lease)
                fixture.tell { run, now in run.lost(lease, .workerGone, at: now) }
            }
            try fixture.accept(try fixture.lease(.step), Self.again("1"))
        }
        #expect(!fixture.run.isBlocked)
    }
}
