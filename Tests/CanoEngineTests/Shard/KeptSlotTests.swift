// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Slots that are kept for what follows")
struct KeptSlotTests {
    private static let done = AttemptReport.Result.completed(.task(context: nil, next: nil, output: nil))

    private static func two(_ second: TaskDefinition = RunFixture.task()) -> [StateDefinition] {
        [
            StateDefinition(name: "a", step: .task(run: RunFixture.task(), to: ["b"])),
            StateDefinition(name: "b", step: .task(run: second, to: ["done"])),
        ]
    }

    private static func sent(_ effects: [ShardEffect]) -> [LeaseGrant] { effects.compactMap(\.lease) }

    @Test("the next step goes to the same worker without an offer, behind the answer to the report")
    func follows() throws {
        var fixture = try ShardFixture(Self.two())
        let run = fixture.start()
        let first = try fixture.lease()
        fixture.effects = []
        fixture.report(first, Self.done, slots: 1)
        let next = try #require(Self.sent(fixture.effects).first)
        #expect(next.state == "b" && next.lease.key.visit == 2)
        let session = ShardFixture.session
        #expect(
            fixture.effects.filter { if case .wake = $0 { false } else { true } } == [
                .answer(first, .accepted, session), .followed(next.lease.key, session), .send(next, session),
            ]
        )
        fixture.effects = []
        fixture.report(next.lease, Self.done, slots: 1)
        #expect(fixture.status(run) == .succeeded)
        #expect(fixture.effects.contains(.unused(session, 1)))
    }

    @Test("a batch of reports uses no more slots than are kept")
    func bounded() throws {
        var fixture = try ShardFixture(Self.two())
        fixture.start()
        fixture.start()
        let leases = [try fixture.lease(), try fixture.lease()]
        fixture.effects = []
        let reports = leases.map { AttemptReport(lease: $0, result: Self.done) }
        fixture.tell(.reports(reports, from: ShardFixture.session, worker: ShardFixture.worker, slots: 1))
        #expect(Self.sent(fixture.effects).count == 1)
        let offers = fixture.effects.filter { if case .ready = $0 { true } else { false } }
        #expect(offers.count == 1)
    }

    @Test(
        "what only another worker may do, or must be allowed by a limit, is offered; the slot is free",
        arguments: [
            TaskDefinition(handler: "other", name: "other"),
            TaskDefinition(handler: "work", name: "limited", limits: [DeclaredLimit("few", .concurrency(1))]),
        ]
    )
    func offers(_ task: TaskDefinition) throws {
        var fixture = try ShardFixture(Self.two(task))
        fixture.start()
        let first = try fixture.lease()
        fixture.effects = []
        fixture.report(first, Self.done, slots: 1)
        #expect(Self.sent(fixture.effects).isEmpty)
        #expect(fixture.effects.contains { if case .ready(let offer) = $0 { offer.key.visit == 2 } else { false } })
        #expect(fixture.effects.contains(.unused(ShardFixture.session, 1)))
    }

    @Test("a report that does not count gives the slot back")
    func stale() throws {
        var fixture = try ShardFixture(Self.two())
        fixture.start()
        var lease = try fixture.lease()
        lease.token = Token(epoch: lease.token.epoch, counter: lease.token.counter + 1)
        fixture.effects = []
        fixture.report(lease, Self.done, slots: 1)
        #expect(Self.sent(fixture.effects).isEmpty && fixture.effects.contains(.unused(ShardFixture.session, 1)))
    }
}
