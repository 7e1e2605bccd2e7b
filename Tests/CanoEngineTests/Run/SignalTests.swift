// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Signals of a run")
struct SignalTests {
    private static let last = StateDefinition(
        name: "last",
        step: .task(run: RunFixture.task(attempts: 1), to: ["done"])
    )

    private static func fixture(within: Span? = nil, timeoutTo: String? = nil) throws -> RunFixture {
        let wait = WaitDefinition(signal: "go", within: within, timeoutTo: timeoutTo)
        let first = StateDefinition(name: "first", step: .task(run: RunFixture.task(undo: true), to: ["hold"]))
        return try RunFixture([first, StateDefinition(name: "hold", step: .wait(wait, to: "last")), Self.last])
    }

    private static func finishFirst(_ fixture: inout RunFixture) throws {
        try fixture.accept(try fixture.lease(.step), .completed(.task(context: nil, next: nil, output: .json("7"))))
    }

    private static func state(_ fixture: RunFixture) -> String {
        fixture.run.plan.states[fixture.run.position.state].name
    }

    @Test("a signal ends the wait, and the next state is handed it")
    func delivered() throws {
        var fixture = try Self.fixture()
        try Self.finishFirst(&fixture)
        #expect(fixture.run.awaited == "waits for the signal 'go'")
        fixture.signal("go", "42", id: "a")
        #expect(Self.state(fixture) == "last")
        let offer = try #require(fixture.run.offers.first)
        let grant = fixture.grant(offer)
        #expect(grant?.arrival == .signal(RunSignal(name: "go", payload: .json("42"), id: "a")))
    }

    @Test("signals that come before the wait are kept, and taken one by one in their order, by every owner")
    func kept() throws {
        let wait = StepDefinition.wait(WaitDefinition(signal: "go"), to: "second")
        let first = StateDefinition(name: "first", step: .task(run: RunFixture.task(), to: ["hold"]))
        let second = StateDefinition(name: "second", step: .wait(WaitDefinition(signal: "go"), to: "last"))
        var fixture = try RunFixture([first, StateDefinition(name: "hold", step: wait), second, Self.last])
        for payload in ["1", "2", "3"] { fixture.signal("go", payload) }
        #expect(fixture.run.signals.kept.count == 3)
        try fixture.changeOwner()
        #expect(fixture.run.signals.kept.count == 3)
        try fixture.accept(try fixture.lease(.step), .completed(.task(context: nil, next: nil, output: nil)))
        #expect(Self.state(fixture) == "last")
        #expect(fixture.run.position.arrival == .signal(RunSignal(name: "go", payload: .json("2"))))
        try fixture.changeOwner()
        #expect(fixture.run.position.arrival == .signal(RunSignal(name: "go", payload: .json("2"))))
        #expect(fixture.run.signals.kept.map(\.signal.payload) == [.json("3")])
    }

    @Test("the same id counts once, also after the signal was taken and the owner changed")
    func idempotent() throws {
        var fixture = try Self.fixture()
        try Self.finishFirst(&fixture)
        fixture.signal("go", id: "a")
        let rows = fixture.rows
        #expect(fixture.signal("go", id: "a") == nil)
        #expect(fixture.rows == rows)
        try fixture.changeOwner()
        #expect(fixture.signal("go", id: "a") == nil)
        #expect(fixture.rows == rows)
    }

    @Test("so many ids are remembered, no more")
    func forgotten() throws {
        var limits = Limits()
        limits.signalIDs = 2
        let loop = StepDefinition.wait(
            WaitDefinition(signal: "go", within: .seconds(60), timeoutTo: "done"),
            to: "loop"
        )
        let states = [
            StateDefinition(name: "loop", step: loop), StateDefinition(name: "done", step: .exit(.success)),
        ]
        let definition = Definition(name: "loop", version: 1, start: "loop", states: states)
        var (run, _) = Run.start(
            id: RunID(high: 1, low: 3),
            plan: try Plan(definition, limits: limits),
            context: .emptyObject,
            seed: 1,
            at: Instant(microseconds: 0),
            limits: limits
        )
        for id in ["a", "b", "c"] {
            _ = try run.signal(RunSignal(name: "go", payload: .json("1"), id: id), at: Instant(microseconds: 1))
        }
        #expect(run.signals.past.map(\.id) == ["b", "c"])
    }

    @Test("one signal too many is refused by name, and nothing is lost")
    func tooMany() throws {
        var fixture = try Self.fixture()
        for _ in 0..<fixture.run.limits.signals { #expect(fixture.signal("go") == nil) }
        let refusal = fixture.signal("go")
        #expect(refusal?.code == .limitExceeded)
        #expect(refusal?.message.contains("(signals)") == true)
        #expect(fixture.run.signals.kept.count == fixture.run.limits.signals)
    }

    @Test("a signal that nothing waits for is refused with the ones that are known")
    func unknown() throws {
        var fixture = try Self.fixture()
        let refusal = fixture.signal("goo")
        #expect(refusal?.code == .invalidInput)
        #expect(refusal?.message.contains("did you mean 'go'?") == true)
    }

    @Test("a run that is over or ends takes no signals")
    func over() throws {
        var fixture = try Self.fixture()
        try Self.finishFirst(&fixture)
        fixture.tell { run, now in run.cancel(by: "ann", at: now) }
        #expect(fixture.signal("go")?.code == .wrongState)
    }

    @Test("a wait whose time is up goes where it says, or fails the run by name and undoes what was done")
    func timeout() throws {
        var late = try Self.fixture(within: .seconds(5), timeoutTo: "sorry")
        try Self.finishFirst(&late)
        late.pass(4_999)
        late.tell { run, now in run.wake(nil, at: now) }
        #expect(Self.state(late) == "hold")
        late.pass(1)
        late.tell { run, now in run.wake(nil, at: now) }
        #expect(Self.state(late) == "sorry")

        var failing = try Self.fixture(within: .seconds(5))
        try Self.finishFirst(&failing)
        failing.pass(5_000)
        failing.tell { run, now in run.wake(nil, at: now) }
        guard case .undoing(let undoing) = failing.run.phase, case .failed(let failure) = undoing.ending else {
            return #expect(Bool(false), "the run goes on")
        }
        #expect(failure.code == "signalTimeout")
        #expect(failing.run.offers.map(\.key.path) == [.undo(seq: 2)])
    }

    @Test("the due time of a wait stands in the record: a change of owner does not restart it")
    func dueIsKept() throws {
        var fixture = try Self.fixture(within: .seconds(60))
        try Self.finishFirst(&fixture)
        fixture.pass(59_000)
        try fixture.changeOwner()
        #expect(fixture.run.wakes == [.wake(at: fixture.now.advanced(by: .seconds(1)), nil)])
    }
}
