// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Fixed branches, gathering and bulkheads")
struct FixedBranchTests {
    private static let failure = Failure(code: "taskFailed", message: "no", isRetryable: false)

    private static func fixture(
        _ work: SplitDefinition.Work,
        join: JoinPolicy = .all,
        inFlight: Int? = nil,
        gather: TaskDefinition? = nil
    ) throws -> RunFixture {
        let split = SplitDefinition(work, join: join, inFlight: inFlight, gather: gather)
        return try RunFixture([
            StateDefinition(name: "a", step: .split(split, to: "b")),
            StateDefinition(name: "b", step: .task(run: RunFixture.task(attempts: 1), to: ["done"])),
        ])
    }

    private static func named(_ name: String, undo: Bool = false) -> TaskDefinition {
        var task = RunFixture.task(undo: undo)
        task.name = name
        task.arguments = .json("\"\(name)\"")
        return task
    }

    private static let output = AttemptReport.Result.completed(.output(.json("1")))

    @Test("fixed branches begin at once, each with its own task")
    func fixed() throws {
        var fixture = try Self.fixture(.fixed([Self.named("x"), Self.named("y")]))
        #expect(fixture.offers.map(\.key.path) == [.branch(0), .branch(1)])
        let grants = fixture.run.offers.map { fixture.grant($0) }
        #expect(grants.map { $0?.arguments } == [.json("\"x\""), .json("\"y\"")])
        for grant in grants { try fixture.accept(try #require(grant).lease, Self.output) }
        #expect(fixture.run.position.joined == [.success(.json("1")), .success(.json("1"))])
        #expect(fixture.rows.map(\.kind) == [.started, .branchDone, .branchDone, .joined, .entered])
    }

    @Test("only the branches that can be undone are pushed")
    func undo() throws {
        var fixture = try Self.fixture(.fixed([Self.named("x"), Self.named("y", undo: true)]))
        for index in 0..<2 { try fixture.accept(try fixture.lease(.branch(index)), Self.output) }
        #expect(fixture.run.saga.map(\.path) == [.branch(1)])
        try fixture.accept(try fixture.lease(.step), .failed(Self.failure, retryAfter: nil))
        let undo = try #require(fixture.run.offers.first)
        let grant = fixture.grant(undo)
        #expect(grant?.input == .undo(of: .branch(1), output: .json("1")))
    }

    @Test("the join's time of fixed branches runs from the state's begin, under any owner")
    func due() throws {
        var fixture = try Self.fixture(
            .fixed([Self.named("x"), Self.named("y")]),
            join: .init(.all, within: .seconds(5))
        )
        fixture.pass(5_000)
        try fixture.changeOwner()
        fixture.tell { run, now in run.wake(nil, at: now) }
        guard case .finished(.failed(let failure)) = fixture.run.phase else { return #expect(Bool(false), "goes on") }
        #expect(failure.code == "joinTimeout")
    }

    @Test("the join's time of a list runs from when its items are known, also for branches that wait for room")
    func dueOfItems() throws {
        let work = SplitDefinition.Work.each(expand: RunFixture.task(), branch: RunFixture.task())
        var fixture = try Self.fixture(work, join: .init(.all, within: .seconds(5)), inFlight: 1)
        let expand = try fixture.lease(.expand)
        fixture.pass(4_000)
        try fixture.accept(expand, .completed(.items([.json("1"), .json("2")])))
        try fixture.accept(try fixture.lease(.branch(0)), Self.output)
        fixture.pass(4_999)
        fixture.tell { run, now in run.wake(nil, at: now) }
        #expect(fixture.run.phase == .forward)
        fixture.pass(1)
        fixture.tell { run, now in run.wake(nil, at: now) }
        guard case .finished(.failed(let failure)) = fixture.run.phase else { return #expect(Bool(false), "goes on") }
        #expect(failure.code == "joinTimeout")
    }

    @Test("a gathering that fails is tried again alone, with the results that are there")
    func gatherAgain() throws {
        let work = SplitDefinition.Work.each(expand: RunFixture.task(), branch: RunFixture.task(attempts: 1))
        var fixture = try Self.fixture(work, gather: RunFixture.task(attempts: 2))
        try fixture.accept(try fixture.lease(.expand), .completed(.items([.json("1"), .json("2")])))
        for index in 0..<2 { try fixture.accept(try fixture.lease(.branch(index)), Self.output) }
        let retryable = Failure(code: "taskFailed", message: "no")
        let soon = Span(milliseconds: 0)
        try fixture.accept(try fixture.lease(.step), .failed(retryable, retryAfter: soon))
        fixture.tell { run, now in run.wake(.step, at: now) }
        #expect(fixture.run.offers.map(\.key.path) == [.step])
        let offer = try #require(fixture.run.offers.first)
        let grant = fixture.grant(offer)
        #expect(grant?.input == .task(context: .emptyObject, branches: [.success(.json("1")), .success(.json("1"))]))
        try fixture.accept(try #require(grant).lease, .failed(retryable, retryAfter: soon))
        #expect(fixture.run.phase == .finished(.failed(retryable)))
        #expect(fixture.rows.filter { $0.kind == .branchDone }.count == 2)
    }

    @Test("the gathering task gets all results, in a visit of its own, and chooses what follows")
    func gather() throws {
        let work = SplitDefinition.Work.each(expand: RunFixture.task(), branch: RunFixture.task(attempts: 1))
        var split = SplitDefinition(work, join: .init(.partial(atLeast: 0)), gather: RunFixture.task(undo: true))
        split.choices = ["sorry"]
        var fixture = try RunFixture([StateDefinition(name: "a", step: .split(split, to: "done"))])
        try fixture.accept(try fixture.lease(.expand), .completed(.items([.json("1"), .json("2")])))
        try fixture.accept(try fixture.lease(.branch(1)), Self.output)
        try fixture.accept(try fixture.lease(.branch(0)), .failed(Self.failure, retryAfter: nil))
        #expect(fixture.run.position.visit == 2)
        try fixture.changeOwner()
        fixture.tell { run, now in run.recover(.unrecorded, at: now) }
        let offer = try #require(fixture.run.offers.first)
        let grant = fixture.grant(offer)
        #expect(grant?.input == .task(context: .emptyObject, branches: [.failure(Self.failure), .success(.json("1"))]))
        #expect(grant?.next == ["done", "sorry"])
        let lease = try #require(grant).lease
        try fixture.accept(lease, .completed(.task(context: .json("2"), next: "done", output: .json("3"))))
        #expect(fixture.run.phase == .finished(.succeeded))
        #expect(fixture.rows.filter { $0.kind == .sagaPushed }.map(\.path) == ["step"])
    }

    @Test("a bulkhead lets so many branches run, in order, and the next one when one has ended")
    func bulkhead() throws {
        let work = SplitDefinition.Work.each(expand: RunFixture.task(), branch: RunFixture.task(attempts: 2))
        var fixture = try Self.fixture(work, join: .init(.partial(atLeast: 0)), inFlight: 2)
        try fixture.accept(try fixture.lease(.expand), .completed(.items((0..<5).map { .json("\($0)") })))
        func open(_ fixture: RunFixture) -> [WorkPath] { fixture.run.offers.map(\.key.path) }
        #expect(open(fixture) == [.branch(0), .branch(1)])
        try fixture.accept(try fixture.lease(.branch(1)), Self.output)
        #expect(open(fixture) == [.branch(0), .branch(2)])
        #expect(
            fixture.decision.effects.contains {
                if case .ready(let offer) = $0 { offer.key.path == .branch(2) } else { false }
            }
        )
        // A pause before another attempt keeps its place.
        let retryable = Failure(code: "taskFailed", message: "no")
        try fixture.accept(try fixture.lease(.branch(0)), .failed(retryable, retryAfter: .seconds(9)))
        #expect(open(fixture) == [.branch(2)])
        // So does a new owner.
        try fixture.changeOwner()
        fixture.tell { run, now in run.recover(.unrecorded, at: now) }
        #expect(open(fixture) == [.branch(2)])
        // Work that waits for a person gives its place up.
        for _ in 0..<3 {
            let lease = try fixture.lease(.branch(2))
            fixture.run.started(lease)
            fixture.tell { run, now in run.lost(lease, .workerGone, at: now) }
        }
        #expect(open(fixture) == [.branch(3)])
    }
}
