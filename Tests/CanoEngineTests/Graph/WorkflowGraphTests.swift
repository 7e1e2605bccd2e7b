// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Graph of a definition")
struct WorkflowGraphTests {
    private static func task(_ name: String, undo: UndoDefinition? = nil) -> TaskDefinition {
        TaskDefinition(handler: TaskDefinition.compiledHandler, name: name, undo: undo)
    }

    /// One state of each kind.
    private static let books = Definition(
        name: "index-books",
        version: 3,
        start: "fetch",
        states: [
            StateDefinition(name: "fetch", step: .task(run: Self.task("FetchCatalogue"), to: ["count"])),
            StateDefinition(
                name: "count",
                step: .split(
                    SplitDefinition(
                        expand: Self.task("ListBooks"),
                        branch: Self.task("CountWords", undo: UndoDefinition()),
                        join: JoinPolicy(.quorumPercent(80), within: .seconds(60))
                    ),
                    to: "publish"
                )
            ),
            StateDefinition(
                name: "publish",
                step: .task(run: Self.task("PublishIndex", undo: UndoDefinition()), to: ["rest"])
            ),
            StateDefinition(name: "rest", step: .timer(after: .seconds(90), to: "choose")),
            StateDefinition(name: "choose", step: .router(run: Self.task("Enough?"), to: ["fetch", "done", "poor"])),
            StateDefinition(name: "done", step: .exit(.success)),
            StateDefinition(name: "poor", step: .exit(.failure)),
        ]
    )

    @Test("the same definition gives the same Mermaid text, with splits, joins, undos and failures")
    func mermaid() {
        #expect(
            Self.books.graph.mermaid() == #"""
                ---
                title: "index-books@3"
                ---
                flowchart TD
                    n0["fetch<br/>FetchCatalogue"]
                    n1[["count<br/>ListBooks"]]
                    n2[/"CountWords"/]
                    n3("undoes CountWords")
                    n4["publish<br/>PublishIndex"]
                    n5("undoes PublishIndex")
                    n6{{"rest<br/>waits 90 s"}}
                    n7{"choose<br/>Enough?"}
                    n8(["done"])
                    n9[\"poor"/]
                    start((" ")) --> n0
                    n0 --> n1
                    n1 ==>|"each item"| n2
                    n2 -->|"80 %, within 1 min"| n4
                    n2 -.-> n3
                    n4 --> n6
                    n4 -.-> n5
                    n6 --> n7
                    n7 --> n0
                    n7 --> n8
                    n7 --x n9

                """#
        )
    }

    @Test("the same definition gives the same DOT text")
    func dot() {
        #expect(
            Self.books.graph.dot() == ##"""
                digraph "index-books@3" {
                    label="index-books@3"; labelloc=t; fontname="sans-serif";
                    node [fontname="sans-serif"]; edge [fontname="sans-serif", fontsize=10];
                    n0 [label="fetch\nFetchCatalogue", shape=box];
                    n1 [label="count\nListBooks", shape=folder];
                    n2 [label="CountWords", shape=box3d];
                    n3 [label="undoes CountWords", shape=box, style="rounded,dashed"];
                    n4 [label="publish\nPublishIndex", shape=box];
                    n5 [label="undoes PublishIndex", shape=box, style="rounded,dashed"];
                    n6 [label="rest\nwaits 90 s", shape=hexagon];
                    n7 [label="choose\nEnough?", shape=diamond];
                    n8 [label="done", shape=doublecircle];
                    n9 [label="poor", shape=doubleoctagon];
                    start [shape=point, width=0.15];
                    start -> n0;
                    n0 -> n1;
                    n1 -> n2 [label="each item", penwidth=2];
                    n2 -> n4 [label="80 %, within 1 min"];
                    n2 -> n3 [style=dashed, arrowhead=open];
                    n4 -> n6;
                    n4 -> n5 [style=dashed, arrowhead=open];
                    n6 -> n7;
                    n7 -> n0;
                    n7 -> n8;
                    n7 -> n9 [arrowhead=tee, color="#b71c1c"];
                }

                """##
        )
    }

    @Test("a run's way is marked: what was visited, how often, and where it is")
    func trail() {
        var trail = GraphTrail()
        let marks: [GraphTrail.Mark] = [
            .entered("fetch"), .entered("count"), .branchDone(index: 0), .branchDone(index: 7),
        ]
        for mark in marks { trail.add(mark) }
        trail.add(.pushed(seq: 4, state: "count", branch: 7))
        let text = Self.books.graph.mermaid(trail)
        #expect(text.contains(#"n0["fetch<br/>FetchCatalogue<br/>×1"]"#))
        #expect(text.contains(#"n2[/"CountWords<br/>×2"/]"#))
        #expect(text.contains(#"n0 -->|"×1"| n1"#))
        #expect(text.contains(#"n1 ==>|"each item, ×2"| n2"#))
        #expect(text.contains("class n0,n2 visited\n"))
        #expect(text.contains("class n1 current\n"))
        trail.add(.undone(seq: 4))
        trail.add(.ended(state: nil, hasSucceeded: false))
        let undone = Self.books.graph.mermaid(trail)
        #expect(undone.contains("class n0,n2,n3 visited\n"))
        #expect(undone.contains("class n1 stopped\n"))
        #expect(Self.books.graph.dot(trail).contains(##"shape=folder, color="#b71c1c", penwidth=4"##))
    }

    @Test("branches that differ have a node each, and what gathers them stands behind the join")
    func fixed() {
        var undoable = Self.task("Price")
        undoable.undo = UndoDefinition()
        let split = SplitDefinition(.fixed([undoable, Self.task("Stock")]), gather: Self.task("merge"), choices: ["e"])
        let definition = Definition(
            name: "w",
            version: 1,
            start: "s",
            states: [
                StateDefinition(name: "s", step: .split(split, to: "d")),
                StateDefinition(name: "d", step: .exit(.success)), StateDefinition(name: "e", step: .exit(.failure)),
            ]
        )
        let graph = definition.graph
        #expect(graph.nodes.map(\.name) == ["s", "s/branch/0", "s/branch/0/undo", "s/branch/1", "s/gather", "d", "e"])
        #expect(
            graph.edges.map { "\($0.from) \($0.kind) \($0.to)" } == [
                "s split s/branch/0", "s/branch/0 join s/gather", "s/branch/0 undo s/branch/0/undo",
                "s split s/branch/1", "s/branch/1 join s/gather", "s/gather next d", "s/gather failure e",
            ]
        )
        var trail = GraphTrail()
        for mark in [.entered("s"), .branchDone(index: 1), .entered("s"), .entered("d")] as [GraphTrail.Mark] {
            trail.add(mark)
        }
        #expect(graph.mermaid(trail).contains("class n0,n3,n4 visited\n"))
        #expect(graph.mermaid(trail).contains("class n5 current\n"))
    }

    @Test("a run that goes round counts its visits, and one that succeeded stands nowhere")
    func loop() {
        var trail = GraphTrail()
        for state in ["fetch", "count", "publish", "rest", "choose", "fetch", "count", "publish", "rest", "choose"] {
            trail.add(.entered(state))
        }
        trail.add(.ended(state: "done", hasSucceeded: true))
        let text = Self.books.graph.mermaid(trail)
        #expect(text.contains(#"n0["fetch<br/>FetchCatalogue<br/>×2"]"#))
        #expect(text.contains(#"n2 -->|"80 %, within 1 min, ×2"| n4"#))
        #expect(text.contains(#"n7 -->|"×1"| n8"#))
        #expect(!text.contains("current") && !text.contains("stopped"))
    }

    @Test("no text of a definition is taken for markup")
    func escaping() {
        let name = ##"a"]; b --> c <b>`\#;"##
        let definition = Definition(
            name: "w",
            version: 1,
            start: "s",
            states: [
                StateDefinition(name: "s", step: .task(run: Self.task(name), to: ["e", "nowhere"])),
                StateDefinition(name: "e", step: .exit(.success)),
            ]
        )
        let line = ##"    n0["s<br/>a#34;]#59; b --#62; c #60;b#62;#96;#92;#35;#59;"]"##
        #expect(definition.graph.mermaid().split(separator: "\n").contains { $0 == line })
        #expect(definition.graph.dot().contains(##"n0 [label="s\na\"]; b --> c <b>`\\#;", shape=box];"##))
    }

    @Test("what cannot run can still be drawn")
    func invalid() {
        let percent = SplitDefinition(
            expand: Self.task("e"),
            branch: Self.task("b"),
            join: JoinPolicy(.quorumPercent(.infinity))
        )
        let twice = StateDefinition(name: "s", step: .split(percent, to: "s"))
        let definition = Definition(name: "w", version: 1, start: "gone", states: [twice, twice])
        #expect(definition.graph.mermaid().contains("inf %"))
    }
}
