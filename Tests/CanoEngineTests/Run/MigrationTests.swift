// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Moving a run to another version")
struct MigrationTests {
    private static func definition(_ version: Int, _ middle: String, hold: StepDefinition? = nil) -> Definition {
        let task = RunFixture.task(undo: true)
        return Definition(
            name: "order",
            version: version,
            start: "pay",
            states: [
                StateDefinition(name: "pay", step: .task(run: task, to: [middle])),
                StateDefinition(name: middle, step: hold ?? .task(run: task, to: ["wait"])),
                StateDefinition(
                    name: "wait",
                    step: .wait(WaitDefinition(signal: "go", within: .seconds(60)), to: "done")
                ),
                StateDefinition(name: "done", step: .exit(.success)),
            ]
        )
    }

    private static func fixture() throws -> RunFixture {
        try RunFixture(Plan(Self.definition(1, "pack"), limits: RunFixture.limits))
    }

    private static func plan(_ middle: String = "wrap") throws -> Plan {
        try Plan(Self.definition(2, middle), limits: RunFixture.limits)
    }

    private static func migrate(_ fixture: inout RunFixture, _ map: [String: String]) throws -> Refusal? {
        let plan = try Self.plan()
        return fixture.ask { run, now throws(Refusal) in try run.migrate(to: plan, StateMap(map), at: now) }
    }

    private static func complete(_ fixture: inout RunFixture) throws {
        try fixture.accept(try fixture.lease(.step), .completed(.task(context: nil, next: nil, output: .json("7"))))
    }

    @Test("a run between two states goes on in the state that stands for its own, and is resumed there")
    func moves() throws {
        var fixture = try Self.fixture()
        try Self.complete(&fixture)
        #expect(try Self.migrate(&fixture, ["pack": "wrap"]) == nil)
        #expect(fixture.run.plan.key.version == 2)
        #expect(fixture.run.position.visit == 3)
        try fixture.changeOwner()
        #expect(fixture.run.plan.states[fixture.run.position.state].name == "wrap")
        #expect(fixture.run.saga.map { fixture.run.plan.states[$0.state].name } == ["pay"])
        try Self.complete(&fixture)
        fixture.signal("go")
        #expect(fixture.run.phase == .finished(.succeeded))
    }

    @Test("a run that waits keeps its due time and the signals that it was sent")
    func waits() throws {
        var fixture = try Self.fixture()
        fixture.signal("go", id: "early")
        try Self.complete(&fixture)
        #expect(try Self.migrate(&fixture, ["pack": "wrap"]) == nil)
        #expect(fixture.run.signals.kept.count == 1)
        try fixture.changeOwner()
        #expect(fixture.run.signals.kept.count == 1)

        var waiting = try Self.fixture()
        try Self.complete(&waiting)
        try Self.complete(&waiting)
        let wakes = waiting.run.wakes
        waiting.pass(30_000)
        let plan = try Self.plan("pack")
        let refusal = waiting.ask { run, now throws(Refusal) in try run.migrate(to: plan, StateMap(), at: now) }
        #expect(refusal == nil)
        #expect(waiting.run.wakes == wakes)
    }

    @Test("a run in the middle of an attempt is refused, and goes on as it was")
    func busy() throws {
        var fixture = try Self.fixture()
        try Self.complete(&fixture)
        let lease = try fixture.lease(.step)
        let refusal = try Self.migrate(&fixture, ["pack": "wrap"])
        #expect(refusal?.code == .wrongState)
        #expect(refusal?.message.contains("in the middle of 'pack'") == true)
        try fixture.accept(lease, .completed(.task(context: nil, next: nil, output: .json("8"))))
    }

    @Test("the map is checked against both graphs, and the mistake is named")
    func map() throws {
        var fixture = try Self.fixture()
        try Self.complete(&fixture)
        #expect(try Self.migrate(&fixture, [:])?.message.contains("'pack', a task, for which order@2") == true)
        #expect(try Self.migrate(&fixture, ["pakc": "wrap"])?.message.contains("did you mean 'pack'?") == true)
        #expect(try Self.migrate(&fixture, ["pack": "wait"])?.message.contains("is a wait") == true)
    }

    @Test("a run that may have to undo what the new version does not know is refused")
    func undo() throws {
        var definition = Self.definition(2, "wrap")
        definition.states[0] = StateDefinition(
            name: "pay",
            step: .task(run: RunFixture.task(), to: ["wrap"])
        )
        let plan = try Plan(definition, limits: RunFixture.limits)
        var fixture = try Self.fixture()
        try Self.complete(&fixture)
        let refusal = fixture.ask { run, now throws(Refusal) in
            try run.migrate(to: plan, StateMap(["pack": "wrap"]), at: now)
        }
        #expect(refusal?.message.contains("may have to undo 'pay'") == true)
    }

    @Test("an offer of the old version is worth nothing afterwards")
    func oldOffers() throws {
        var fixture = try Self.fixture()
        let offer = try #require(fixture.run.offers.first)
        #expect(try Self.migrate(&fixture, ["pack": "wrap"]) == nil)
        let grant = fixture.grant(offer)
        #expect(grant == nil)
        #expect(fixture.run.offers.first?.capability == offer.capability)
    }
}
