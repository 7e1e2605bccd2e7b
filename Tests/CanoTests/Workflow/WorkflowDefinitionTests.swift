// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import Testing

@Suite("Workflow definition")
struct WorkflowDefinitionTests {
    @Test("the switch becomes the definition: states in order, edges, policies")
    func indexBooks() throws {
        let definition = IndexBooks().definition()
        try definition.validate()
        #expect(definition.key.description == "index-books@1")
        #expect(definition.start == "fetch")
        #expect(definition.timeout == nil)
        #expect(definition.states.map(\.name) == ["fetch", "count", "publish", "done"])
        let fetch = TaskDefinition(
            handler: "swift",
            name: "FetchCatalogue",
            retry: .exponential(attempts: 5)
        )
        #expect(definition.states[0].step == .task(run: fetch, to: ["count"]))
        let split = SplitDefinition(
            expand: TaskDefinition(handler: "swift", name: "items", retry: .never),
            branch: TaskDefinition(handler: "swift", name: "CountWords"),
            join: JoinPolicy(.quorumPercent(80), within: Span(milliseconds: 60_000))
        )
        #expect(definition.states[1].step == .split(split, to: "publish"))
        let publish = TaskDefinition(handler: "swift", name: "PublishIndex", undo: UndoDefinition())
        #expect(definition.states[2].step == .task(run: publish, to: ["done"]))
        #expect(definition.states[3].step == .exit(.success))
    }

    @Test("a typed workflow's digest changes only with its definition")
    func digest() {
        #expect(IndexBooks().definition().digest == "f08f9471ddfeb9ef6398585632f6e65ab5ac3e88ad2e2566bfb33df6e228259b")
        #expect(Shapes(greeting: "hello").definition().digest == Shapes(greeting: "moin").definition().digest)
    }

    @Test("every option of every step reaches the definition")
    func shapes() throws {
        let definition = Shapes().definition()
        let steps = Dictionary(uniqueKeysWithValues: definition.states.map { ($0.name, $0.step) })
        #expect(definition.start == "decide")
        #expect(definition.timeout == .seconds(600))
        let decide = TaskDefinition(
            handler: "swift",
            name: "decide-it",
            retry: .fixed(attempts: 2, every: .seconds(1)),
            undo: UndoDefinition(coversUnknown: false)
        )
        #expect(steps["decide"] == .task(run: decide, to: ["route", "done"]))
        let route = TaskDefinition(handler: "swift", name: "Route", retry: .never, timeout: .seconds(5))
        #expect(steps["route"] == .router(run: route, to: ["choose", "done"]))
        let list = SplitDefinition(
            expand: TaskDefinition(handler: "swift", name: "List", retry: .never, timeout: .seconds(3)),
            branch: TaskDefinition(
                handler: "swift",
                name: "Square",
                retry: .never,
                timeout: .seconds(3),
                undo: UndoDefinition()
            ),
            join: JoinPolicy(.partial(atLeast: 1), within: .seconds(9)),
            losers: .keep
        )
        #expect(steps["list"] == .split(list, to: "judge"))
        #expect(steps["pause"] == .timer(after: Span(milliseconds: 1500), to: "done"))
        #expect(steps["failed"] == .exit(.failure))
        #expect(steps["done"] == .exit(.success))
        try definition.validate()
    }

    @Test("join shorthands say what they read like")
    func joins() {
        let joins: [(JoinPolicy, JoinPolicy)] = [
            (.all, JoinPolicy(.all)),
            (.any, JoinPolicy(.any)),
            (.all(within: .seconds(2)), JoinPolicy(.all, within: .seconds(2))),
            (.any(within: .seconds(2)), JoinPolicy(.any, within: .seconds(2))),
            (.quorum(3), JoinPolicy(.quorum(count: 3))),
            (.quorum(.count(4)), JoinPolicy(.quorum(count: 4))),
            (.quorum(.percent(80)), JoinPolicy(.quorumPercent(80))),
            (.partial(atLeast: 2), JoinPolicy(.partial(atLeast: 2))),
        ]
        for (made, expected) in joins { #expect(made == expected) }
    }
}
