// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Signals, children and people, as a shard deals with them")
struct EventShardTests {
    private static let last = StateDefinition(
        name: "last",
        step: .task(run: RunFixture.task(attempts: 1), to: ["done"])
    )
    private static let wait = StateDefinition(
        name: "hold",
        step: .wait(WaitDefinition(signal: "go", within: .seconds(3600)), to: "last")
    )

    @Test("a run that waits for a signal is a row that says so, and takes no memory")
    func waits() throws {
        var fixture = try ShardFixture([Self.wait, Self.last])
        let run = fixture.start()
        #expect(fixture.status(run) == .waiting)
        #expect(fixture.tables.summary(of: run)?.note == "waits for the signal 'go'")
        #expect(fixture.shard.residentCount == 0)
        fixture.changeOwner()
        #expect(fixture.signal(run, "go") == .done(isNew: true))
        #expect(fixture.status(run) == .active)
        #expect(fixture.tables.audit(limit: 1).first?.action == "signal")
        #expect(fixture.grant() != nil)
    }

    @Test("a signal by mail is taken once, in the commit that consumes the message")
    func mail() throws {
        var fixture = try ShardFixture([Self.wait, Self.last])
        let run = fixture.start()
        let signal = RunSignal(name: "go", payload: .json("1"), id: "a")
        fixture.tables.post([Mail(to: ShardFixture.id, .order(run, .signal(signal), by: "ann"))])
        fixture.readMail()
        #expect(fixture.tables.mail(for: [ShardFixture.id], limit: 9).isEmpty)
        #expect(fixture.tables.history(of: run, after: 0, limit: 99).filter { $0.kind == .signalled }.count == 1)
        #expect(fixture.signal(run, "go", id: "a") == .done(isNew: false))
    }

    @Test("a refused order changes nothing and is noted with its reason")
    func refused() throws {
        var fixture = try ShardFixture([Self.wait, Self.last])
        let run = fixture.start()
        guard case .refused(let refusal) = fixture.signal(run, "stop") else {
            return #expect(Bool(false), "the signal was taken")
        }
        #expect(refusal.code == .invalidInput)
        #expect(fixture.tables.audit(limit: 1).first?.after?.hasPrefix("refused: ") == true)
        let nobody = RunID(at: fixture.now, shard: ShardFixture.id, random: (99, 99))
        guard case .refused(let over) = fixture.signal(nobody, "go") else {
            return #expect(Bool(false), "a run that is not there was signalled")
        }
        #expect(over.code == .wrongState)
    }

    @Test("a child starts in the commit of its parent's record, and its end moves the parent, row or not")
    func child() throws {
        let child = ChildDefinition(input: RunFixture.task(), workflow: "bill", version: 1)
        var fixture = try ShardFixture([StateDefinition(name: "a", step: .child(child, to: "last")), Self.last])
        let definition = Definition(
            name: "bill",
            version: 1,
            start: "work",
            states: [
                StateDefinition(name: "work", step: .task(run: RunFixture.task(), to: ["done"])),
                StateDefinition(name: "done", step: .exit(.success)),
            ]
        )
        fixture.tell(.define(try Plan(definition, limits: fixture.limits)))
        let parent = fixture.start()
        fixture.report(try fixture.lease(), .completed(.items([.json("5")])))
        let runs = fixture.tables.summaries(RunQuery { $0.workflow = "bill" })
        let id = try #require(runs.first?.run)
        #expect(runs.first?.key == "\(parent)/1")
        #expect(fixture.status(parent) == .waiting)
        #expect(fixture.shard.run(parent) == nil)
        let lease = try fixture.lease()
        #expect(lease.key.run == id)
        fixture.report(lease, .completed(.task(context: .json("6"), next: nil, output: nil)))
        #expect(fixture.status(id) == .succeeded)
        fixture.readMail()
        #expect(fixture.tables.mail(for: [ShardFixture.id], limit: 9).isEmpty)
        let result = ChildResult(run: id, outcome: .succeeded, context: .json("6"))
        #expect(fixture.shard.run(parent)?.position.arrival == .child(result))
        fixture.changeOwner()
        #expect(fixture.shard.run(parent)?.position.arrival == .child(result))
    }

    @Test("a child of a workflow that nobody knows fails by name, and the parent goes on")
    func unknownChild() throws {
        let child = ChildDefinition(input: RunFixture.task(), workflow: "nobody")
        var fixture = try ShardFixture([StateDefinition(name: "a", step: .child(child, to: "last")), Self.last])
        let parent = fixture.start()
        fixture.report(try fixture.lease(), .completed(.items([.json("5")])))
        fixture.readMail()
        guard case .child(let result) = fixture.shard.run(parent)?.position.arrival,
            case .failed(let failure) = result.outcome
        else { return #expect(Bool(false), "the parent waits") }
        #expect(failure.code == "unknownWorkflow")
    }

    @Test("a migrated run's row has the new version, and the next owner resumes it under that")
    func migrated() throws {
        var fixture = try ShardFixture([Self.wait, Self.last])
        let run = fixture.start()
        var definition = fixture.plan.definition
        definition.version = 2
        let plan = try Plan(definition, limits: fixture.limits)
        #expect(
            fixture.order(.migrate(version: 2, StateMap()), for: run)
                == .refused(
                    Refusal(
                        .unknownWorkflow,
                        "there is no fixture@2; apply its definition or start a worker that has it"
                    )
                )
        )
        fixture.tell(.define(plan))
        #expect(fixture.order(.migrate(version: 2, StateMap()), for: run) == .done(isNew: true))
        #expect(fixture.tables.summary(of: run)?.definition.version == 2)
        #expect(fixture.order(.migrate(version: 2, StateMap()), for: run) == .done(isNew: false))
        #expect(fixture.status(run) == .waiting)
    }

    @Test("a run that nobody can work for is blocked and says so, and goes on as soon as somebody can")
    func unserved() throws {
        var fixture = try ShardFixture([Self.last])
        let run = fixture.start()
        fixture.tell(.unserved([run]))
        #expect(fixture.status(run) == .blocked)
        #expect(fixture.tables.summary(of: run)?.note == "no worker runs 'work'; start one that does")
        let lease = try fixture.lease()
        #expect(fixture.status(run) == .active)
        #expect(fixture.tables.summary(of: run)?.note == nil)
        fixture.report(lease, .completed(.task(context: nil, next: nil, output: nil)))
        #expect(fixture.status(run) == .succeeded)
    }

    @Test("the next owner takes up a run that nobody could work for")
    func unservedAcrossOwners() throws {
        var fixture = try ShardFixture([Self.last])
        let run = fixture.start()
        fixture.tell(.unserved([run]))
        fixture.changeOwner()
        #expect(fixture.grant() != nil)
        #expect(fixture.status(run) == .active)
    }

    @Test("dispatch names the runs whose work nobody connected can do, once, after a while")
    func dispatch() {
        var dispatch = Dispatch()
        var effects: [Dispatch.Effect] = []
        let run = RunID(high: 1, low: 5)
        let key = WorkKey(run: run, visit: 1, path: .step)
        let offer = WorkOffer(key: key, attempt: 1, capability: .handler("exec"), isExclusive: false)
        dispatch.ready([offer], effects: &effects)
        let start = Instant(microseconds: 0)
        #expect(dispatch.unserved(for: .seconds(10), at: start).isEmpty)
        #expect(dispatch.unserved(for: .seconds(10), at: start.advanced(by: .seconds(9))).isEmpty)
        #expect(dispatch.unserved(for: .seconds(10), at: start.advanced(by: .seconds(10))) == [run])
        #expect(dispatch.unserved(for: .seconds(10), at: start.advanced(by: .seconds(11))).isEmpty)
        let session = SessionID(rawValue: 1)
        dispatch.connected(session, worker: WorkerID(rawValue: "w"), capabilities: [.handler("exec")])
        #expect(dispatch.unserved(for: .seconds(10), at: start.advanced(by: .seconds(99))).isEmpty)
    }
}
