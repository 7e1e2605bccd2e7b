// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("A shard")
struct ShardRuleTests {
    private static let done = AttemptReport.Result.completed(.task(context: nil, next: nil, output: nil))
    private static func single(undo: Bool = false) -> [StateDefinition] {
        [StateDefinition(name: "a", step: .task(run: RunFixture.task(undo: undo), to: ["done"]))]
    }

    @Test("does not bring back a run from an answer of the store that is older than its end")
    func outdatedPage() throws {
        let limits = Limits { $0.timerHorizon = .seconds(2) }
        var fixture = try ShardFixture(Self.single(), limits: limits)
        let run = fixture.start()
        fixture.changeOwner { fixture in
            // The page is read, and held back until the run is over.
            #expect(fixture.shard.run(run) != nil)
        }
        fixture.now = fixture.now.advanced(by: .seconds(2))
        fixture.tell(.tick)
        let outdated = ShardEvent.page(fixture.tables.load(run).map { [$0] } ?? [], waitingOnly: true, isLast: true)
        let lease = try fixture.lease()
        fixture.report(lease, Self.done)
        #expect(fixture.status(run) == .succeeded)
        fixture.tell(outdated)
        #expect(fixture.shard.run(run) == nil)
    }

    @Test("decides nothing about a run before the last owner's leases were heard")
    func hearsBeforeItDecides() throws {
        let split = SplitDefinition(expand: RunFixture.task(), branch: RunFixture.task(undo: true), join: .any)
        var fixture = try ShardFixture([StateDefinition(name: "fan", step: .split(split, to: "done"))])
        let run = fixture.start()
        let expand = try fixture.lease()
        fixture.report(expand, .completed(.items([.json("1"), .json("2")])))
        let first = try fixture.lease()
        let second = try fixture.lease()
        fixture.changeOwner { fixture in
            fixture.report(first, .completed(.output(.json("1"))))
            fixture.tell(.offered([second], from: ShardFixture.session, worker: ShardFixture.worker))
            #expect(fixture.status(run) == .active)
        }
        // The second branch is known to be out, so it is asked to stop and awaited.
        #expect(fixture.effects.contains(.adopted(second, ShardFixture.session)))
        #expect(fixture.effects.contains(.answer(first, .accepted, ShardFixture.session)))
        #expect(fixture.effects.contains(.stop(second, ShardFixture.worker)))
        fixture.report(second, .completed(.output(.json("2"))))
        #expect(fixture.status(run) == .succeeded)
        #expect(fixture.tables.history(of: run, after: 0, limit: 99).filter { $0.kind == .sagaPushed }.count == 2)
    }

    @Test("goes on with an undo whose pause is long enough to leave memory")
    func longUndoPause() throws {
        var states = Self.single(undo: true)
        states[0].step = .task(run: RunFixture.task(undo: true), to: ["sorry"])
        var fixture = try ShardFixture(states)
        let run = fixture.start()
        let step = try fixture.lease()
        fixture.report(step, Self.done)
        let undo = try fixture.lease()
        fixture.report(undo, .failed(Failure(code: "taskFailed", message: "no"), retryAfter: .seconds(600)))
        #expect(fixture.shard.residentCount == 0)
        for _ in 0..<40 { fixture.pass(20_000) }
        let again = try fixture.lease()
        fixture.report(again, .completed(.undone))
        #expect(fixture.status(run) == .failed)
    }

    @Test("ends a run in time although it is blocked")
    func blockedWithDeadline() throws {
        var fixture = try ShardFixture(Self.single(), timeout: .seconds(300))
        let run = fixture.start()
        for _ in 0..<fixture.limits.crashes {
            let lease = try fixture.lease()
            fixture.tell(.started([lease]), .lost([lease], .workerGone))
        }
        #expect(fixture.shard.residentCount == 0)
        #expect(fixture.tables.summary(of: run)?.note != nil)
        for _ in 0..<20 { fixture.pass(20_000) }
        #expect(fixture.status(run) == .timedOut)
    }

    @Test("finds every run again that memory had no room for")
    func leftOut() throws {
        let limits = Limits {
            $0.residentRuns = 2
            $0.pageRows = 2
        }
        var fixture = try ShardFixture(Self.single(), limits: limits)
        for _ in 0..<9 { fixture.start() }
        #expect(fixture.shard.residentCount == 2)
        while let lease = fixture.grant() {
            #expect(lease.attempt == 1, "nobody ever had it")
            fixture.report(lease, Self.done)
            fixture.load()
        }
        #expect(fixture.runs.allSatisfy { fixture.status($0) == .succeeded })
    }

    @Test("answers a cancellation that waits for a run which ends meanwhile, and consumes its mail")
    func cancelWhileListening() throws {
        var fixture = try ShardFixture(Self.single(undo: true))
        let run = fixture.start()
        let lease = try fixture.lease()
        fixture.tables.post([Mail(to: ShardFixture.id, .cancel(run, by: "ann"))])
        let mail = try #require(fixture.tables.mail(for: [ShardFixture.id], limit: 9).first)
        let request = RequestID(rawValue: 77)
        fixture.changeOwner { fixture in
            fixture.report(lease, Self.done)
            fixture.tell(
                .mail(mail),
                .cancel(CancelOrder(run: run, caller: "bob", via: "test", request: request))
            )
        }
        fixture.load()
        #expect(fixture.status(run) == .succeeded)
        #expect(fixture.effects.contains(.reply(request, .cancelled)))
        #expect(fixture.tables.mail(for: [ShardFixture.id], limit: 9).isEmpty)
    }

    @Test("a lease that was offered while the store was slow is adopted, and charged to nobody")
    func slowStore() throws {
        var fixture = try ShardFixture(Self.single())
        let run = fixture.start()
        let lease = try fixture.lease()
        fixture.tell(.started([lease]))
        fixture.changeOwner(slowStore: true) { fixture in
            fixture.tell(.offered([lease], from: ShardFixture.session, worker: ShardFixture.worker))
        }
        fixture.load()
        #expect(fixture.effects.contains(.adopted(lease, ShardFixture.session)))
        #expect(!fixture.tables.history(of: run, after: 0, limit: 99).contains { $0.kind == .attemptLost })
        fixture.report(lease, Self.done)
        #expect(fixture.status(run) == .succeeded)
    }

    @Test("names each record's own state in the history")
    func namesStates() throws {
        let split = SplitDefinition(expand: RunFixture.task(), branch: RunFixture.task())
        let last = StateDefinition(name: "last", step: .task(run: RunFixture.task(), to: ["done"]))
        var fixture = try ShardFixture([StateDefinition(name: "fan", step: .split(split, to: "last")), last])
        let run = fixture.start()
        let expand = try fixture.lease()
        fixture.report(expand, .completed(.items([.json("1")])))
        let branch = try fixture.lease()
        fixture.report(branch, .completed(.output(.json("1"))))
        let rows = fixture.tables.history(of: run, after: 0, limit: 99)
        #expect(
            rows.map { "\($0.kind.name) \($0.state ?? "") \($0.visit)" } == [
                "started fan 1", "expanded fan 1", "branchDone fan 1", "joined fan 1", "entered last 2",
            ]
        )
    }

    @Test("keeps the cancellation of a run that it cannot read")
    func unreadable() throws {
        var fixture = try ShardFixture(Self.single())
        let run = fixture.start()
        let other = try Plan(
            Definition(
                name: "other",
                version: 1,
                start: "done",
                states: [
                    StateDefinition(name: "done", step: .exit(.success))
                ]
            ),
            limits: fixture.limits
        )
        let known = fixture.plan
        fixture.plan = other
        fixture.changeOwner()
        let request = RequestID(rawValue: 77)
        fixture.tell(.cancel(CancelOrder(run: run, caller: "bob", via: "test", request: request)))
        fixture.load()
        #expect(fixture.effects.contains(.reply(request, .cancelled)))
        #expect(fixture.status(run) == .active)
        fixture.plan = known
        fixture.changeOwner()
        let mail = try #require(fixture.tables.mail(for: [ShardFixture.id], limit: 9).first)
        fixture.tell(.mail(mail))
        fixture.load()
        #expect(fixture.status(run) == .cancelled)
    }
}
