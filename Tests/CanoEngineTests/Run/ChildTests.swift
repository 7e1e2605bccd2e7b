// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Children of a run")
struct ChildTests {
    private static func fixture(_ policy: ChildDefinition.ParentEnd = .cancel) throws -> RunFixture {
        let child = ChildDefinition(
            input: RunFixture.task(),
            workflow: "bill",
            version: 3,
            onParentEnd: policy
        )
        let last = StateDefinition(name: "last", step: .task(run: RunFixture.task(), to: ["done"]))
        return try RunFixture([StateDefinition(name: "bill", step: .child(child, to: "last")), last])
    }

    private static func started(_ policy: ChildDefinition.ParentEnd = .cancel) throws -> (RunFixture, RunID) {
        var fixture = try Self.fixture(policy)
        try fixture.accept(try fixture.lease(.expand), .completed(.items([.json("7")])))
        guard case .child(let child) = fixture.run.position.step else { throw CanoError(.invalidInput, "no child") }
        return (fixture, child.run)
    }

    private static func end(_ fixture: inout RunFixture, _ child: RunID, _ outcome: RunOutcome = .succeeded) {
        let result = ChildResult(run: child, outcome: outcome, context: .json("8"))
        fixture.tell { run, now in run.childEnded(result, at: now) }
    }

    @Test("the child is ordered in the commit of its record, with the parent and visit as its key")
    func ordered() throws {
        let (fixture, child) = try Self.started()
        guard case .startChild(let order) = fixture.mail.first?.content else {
            return #expect(Bool(false), "no child was ordered")
        }
        #expect(order.run == child)
        #expect(order.workflow == "bill")
        #expect(order.version == 3)
        #expect(order.context == .json("7"))
        #expect(order.parent.key == "\(fixture.run.id)/1")
        #expect(ParentLink(key: order.parent.key) == order.parent)
        #expect(child.shard == fixture.run.id.shard)
        #expect(fixture.run.awaited == "waits for its child \(child)")
    }

    @Test("however the child ends, the next state is handed it, also under the next owner")
    func delivered() throws {
        var (fixture, child) = try Self.started()
        try fixture.changeOwner()
        Self.end(&fixture, child, .cancelled(by: "bob"))
        let result = ChildResult(run: child, outcome: .cancelled(by: "bob"), context: .json("8"))
        #expect(fixture.run.position.arrival == .child(result))
        try fixture.changeOwner()
        #expect(fixture.run.position.arrival == .child(result))
        let rows = fixture.rows
        Self.end(&fixture, child)
        #expect(fixture.rows == rows)
    }

    @Test("an input that makes no context, or several, fails by name")
    func oneContext() throws {
        var fixture = try Self.fixture()
        try fixture.accept(try fixture.lease(.expand), .completed(.items([.json("1"), .json("2")])))
        #expect(fixture.rows.last?.reason == "invalidInput" || fixture.rows.dropLast().last?.reason == "invalidInput")
        #expect(fixture.mail.isEmpty)
    }

    @Test("a cancelled parent cancels its child, and ends when the child has ended")
    func cancelled() throws {
        var (fixture, child) = try Self.started(.cancel)
        fixture.tell { run, now in run.cancel(by: "ann", at: now) }
        #expect(fixture.mail.last?.content == .cancel(child, by: "parent \(fixture.run.id)"))
        #expect(fixture.run.phase == .forward)
        try fixture.changeOwner()
        Self.end(&fixture, child, .cancelled(by: "ann"))
        #expect(fixture.run.phase == .finished(.cancelled(by: "ann")))
    }

    @Test("with the policy wait the child is left alone, and awaited")
    func awaited() throws {
        var (fixture, child) = try Self.started(.wait)
        fixture.tell { run, now in run.cancel(by: "ann", at: now) }
        #expect(fixture.mail.count == 1)
        #expect(fixture.run.phase == .forward)
        Self.end(&fixture, child)
        #expect(fixture.run.phase == .finished(.cancelled(by: "ann")))
    }

    @Test("with the policy abandon the parent ends at once")
    func abandoned() throws {
        var (fixture, _) = try Self.started(.abandon)
        fixture.tell { run, now in run.cancel(by: "ann", at: now) }
        #expect(fixture.mail.count == 1)
        #expect(fixture.run.phase == .finished(.cancelled(by: "ann")))
    }

    @Test("a person can let an ending parent go on without its child")
    func skipped() throws {
        var (fixture, _) = try Self.started(.wait)
        #expect(fixture.intervene(Intervention(.skip))?.code == .wrongState)
        fixture.tell { run, now in run.cancel(by: "ann", at: now) }
        #expect(fixture.intervene(Intervention(.retry))?.code == .wrongState)
        #expect(fixture.intervene(Intervention(.skip)) == nil)
        #expect(fixture.run.phase == .finished(.cancelled(by: "ann")))
    }
}
