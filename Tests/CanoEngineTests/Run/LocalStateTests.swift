// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Local states")
struct LocalStateTests {
    private static func fixture(isLocal: Bool = true) throws -> RunFixture {
        var local = RunFixture.task()
        local.isLocal = isLocal
        return try RunFixture([
            StateDefinition(name: "a", step: .task(run: RunFixture.task(), to: ["b"])),
            StateDefinition(name: "b", step: .task(run: local, to: ["c"])),
            StateDefinition(name: "c", step: .router(run: RunFixture.task(), to: ["d", "done"])),
            StateDefinition(name: "d", step: .task(run: RunFixture.task(), to: ["done"])),
        ])
    }

    private static func task(_ context: String) -> AttemptReport.Completion {
        .task(context: .json(context), next: nil, output: nil)
    }

    private static func names(_ fixture: RunFixture) -> [String] { fixture.rows.compactMap(\.state) }

    @Test("what the worker did behind its state is taken over in one decision")
    func carried() throws {
        var fixture = try Self.fixture()
        let following = [
            LocalCompletion(state: "b", completion: Self.task("2")),
            LocalCompletion(state: "c", completion: .route(next: "d")),
        ]
        try fixture.accept(try fixture.lease(.step), .carried(Self.task("1"), following: following))
        #expect(Self.names(fixture) == ["a", "b", "c", "d"])
        #expect(fixture.run.position.context == .json("2"))
        let ready = fixture.decision.effects.compactMap {
            if case .ready(let offer) = $0 { offer.key.visit } else { nil }
        }
        #expect(ready == [4], "only the last state is offered")
    }

    @Test("the run may end in the same report")
    func end() throws {
        var fixture = try Self.fixture()
        let following = [
            LocalCompletion(state: "b", completion: Self.task("2")),
            LocalCompletion(state: "c", completion: .route(next: "done")),
            LocalCompletion(state: "d", completion: Self.task("3")),
        ]
        try fixture.accept(try fixture.lease(.step), .carried(Self.task("1"), following: following))
        #expect(fixture.run.phase == .finished(.succeeded))
        #expect(fixture.run.position.context == .json("2"))
    }

    @Test("what is not local, not next or not acceptable is passed over, with all behind it")
    func passedOver() throws {
        let c = LocalCompletion(state: "c", completion: .route(next: "d"))
        let cases: [(isLocal: Bool, following: [LocalCompletion], states: [String])] = [
            (false, [LocalCompletion(state: "b", completion: Self.task("2")), c], ["a", "b"]),
            (true, [c], ["a", "b"]),
            (true, [LocalCompletion(state: "b", completion: .route(next: "c")), c], ["a", "b"]),
            (
                true,
                [
                    LocalCompletion(state: "b", completion: Self.task("2")),
                    LocalCompletion(state: "c", completion: .route(next: "x")),
                ], ["a", "b", "c"]
            ),
            (
                true,
                [
                    LocalCompletion(state: "b", completion: Self.task("2")), c,
                    LocalCompletion(state: "d", completion: Self.task("3")),
                ], ["a", "b", "c", "d"]
            ),
        ]
        for (isLocal, following, states) in cases {
            var fixture = try Self.fixture(isLocal: isLocal)
            try fixture.accept(try fixture.lease(.step), .carried(Self.task("1"), following: following))
            #expect(Self.names(fixture) == states)
            #expect(fixture.run.offers.count == 1)
            #expect(fixture.run.unit(.step, visit: states.count)?.attempt == 1)
        }
    }

    @Test("a run that is to end takes nothing over")
    func ending() throws {
        var task = RunFixture.task(undo: true)
        task.isLocal = false
        var local = RunFixture.task()
        local.isLocal = true
        var fixture = try RunFixture([
            StateDefinition(name: "a", step: .task(run: task, to: ["b"])),
            StateDefinition(name: "b", step: .task(run: local, to: ["done"])),
        ])
        let lease = try fixture.lease(.step)
        fixture.tell { run, now in run.cancel(by: "ann", at: now) }
        let following = [LocalCompletion(state: "b", completion: Self.task("2"))]
        try fixture.accept(lease, .carried(Self.task("1"), following: following))
        #expect(fixture.rows.allSatisfy { $0.state != "b" })
    }
}
