// SPDX-License-Identifier: Apache-2.0 OR MIT

extension WorkflowGraph {
    /// The graph as a Mermaid flowchart, which GitHub, GitLab and many editors draw.
    ///
    /// Every text of the definition is escaped. The same graph and trail give the same text.
    ///
    /// - Parameter trail: the way of a run; it marks what was visited, how often, and where the run is.
    /// - Returns: lines, the last one with a line break behind it.
    public func mermaid(_ trail: GraphTrail? = nil) -> String {
        var lines = ["---", "title: \"\(Self.quotable(self.title))\"", "---", "flowchart TD"]
        let drawing = Drawing(self, trail)
        for (id, node) in drawing.nodes {
            let text = drawing.label(of: node).map(Self.mermaid).joined(separator: "<br/>")
            let (opening, closing) = Self.mermaidShape(of: node.kind)
            lines.append("    \(id)\(opening)\"\(text)\"\(closing)")
        }
        if let start = drawing.ids[self.start] { lines.append("    start((\" \")) --> \(start)") }
        for edge in self.edges {
            guard let from = drawing.ids[edge.from], let to = drawing.ids[edge.to] else { continue }
            let label = drawing.label(of: edge)
            let text = label.isEmpty ? "" : "|\"\(Self.mermaid(label))\"|"
            lines.append("    \(from) \(Self.mermaidArrow(of: edge.kind))\(text) \(to)")
        }
        for (look, style) in Self.mermaidStyles {
            let ids = drawing.nodes.filter { trail?.look(of: $0.node) == look }.map(\.id)
            guard !ids.isEmpty else { continue }
            lines.append("    classDef \(look) \(style)")
            lines.append("    class \(ids.joined(separator: ",")) \(look)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The graph in the language of Graphviz: `cano graph NAME --format dot | dot -Tsvg`.
    ///
    /// Every text of the definition is escaped. The same graph and trail give the same text.
    ///
    /// - Parameter trail: the way of a run; it marks what was visited, how often, and where the run is.
    /// - Returns: lines, the last one with a line break behind it.
    public func dot(_ trail: GraphTrail? = nil) -> String {
        var lines = [
            "digraph \"\(Self.quotable(self.title))\" {",
            "    label=\"\(Self.quotable(self.title))\"; labelloc=t; fontname=\"sans-serif\";",
            "    node [fontname=\"sans-serif\"]; edge [fontname=\"sans-serif\", fontsize=10];",
        ]
        let drawing = Drawing(self, trail)
        for (id, node) in drawing.nodes {
            let text = drawing.label(of: node).map(Self.quotable).joined(separator: "\\n")
            let style = trail.map { Self.dotStyle(of: $0.look(of: node)) } ?? ""
            lines.append("    \(id) [label=\"\(text)\", \(Self.dotShape(of: node.kind))\(style)];")
        }
        if let start = drawing.ids[self.start] {
            lines.append("    start [shape=point, width=0.15];")
            lines.append("    start -> \(start);")
        }
        for edge in self.edges {
            guard let from = drawing.ids[edge.from], let to = drawing.ids[edge.to] else { continue }
            let label = drawing.label(of: edge)
            let attributes = (label.isEmpty ? [] : ["label=\"\(Self.quotable(label))\""]) + Self.dotArrow(of: edge.kind)
            let list = attributes.isEmpty ? "" : " [\(attributes.joined(separator: ", "))]"
            lines.append("    \(from) -> \(to)\(list);")
        }
        return lines.joined(separator: "\n") + "\n}\n"
    }

    // MARK: Mermaid

    private static let mermaidStyles: [(GraphTrail.Look, String)] = [
        (.visited, "fill:#d7f0d7,stroke:#2e7d32,color:#000"),
        (.current, "fill:#ffe9a8,stroke:#b26a00,color:#000,stroke-width:3px"),
        (.stopped, "fill:#f8d0d0,stroke:#b71c1c,color:#000,stroke-width:3px"),
    ]

    private static func mermaidShape(of kind: Node.Kind) -> (String, String) {
        switch kind {
        case .task: ("[", "]")
        case .router: ("{", "}")
        case .split: ("[[", "]]")
        case .branch: ("[/", "/]")
        case .timer: ("{{", "}}")
        case .child: ("[(", ")]")
        case .success: ("([", "])")
        case .failure: ("[\\", "/]")
        case .undo: ("(", ")")
        }
    }

    private static func mermaidArrow(of kind: Edge.Kind) -> String {
        switch kind {
        case .next, .join: "-->"
        case .split: "==>"
        case .undo: "-.->"
        case .failure: "--x"
        }
    }

    /// Everything that Mermaid or HTML could take for its own becomes a number.
    private static func mermaid(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "#", "&", "<", ">", "`", "\\", ";": escaped += "#\(scalar.value);"
            case "\n", "\r", "\t": escaped += " "
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    // MARK: Graphviz

    private static func dotShape(of kind: Node.Kind) -> String {
        switch kind {
        case .task: "shape=box"
        case .router: "shape=diamond"
        case .split: "shape=folder"
        case .branch: "shape=box3d"
        case .timer: "shape=hexagon"
        case .child: "shape=component"
        case .success: "shape=doublecircle"
        case .failure: "shape=doubleoctagon"
        case .undo: "shape=box, style=\"rounded,dashed\""
        }
    }

    private static func dotStyle(of look: GraphTrail.Look) -> String {
        switch look {
        case .untouched: ", color=gray60, fontcolor=gray40"
        case .visited: ", color=\"#2e7d32\", penwidth=2"
        case .current: ", color=\"#b26a00\", penwidth=4"
        case .stopped: ", color=\"#b71c1c\", penwidth=4"
        }
    }

    private static func dotArrow(of kind: Edge.Kind) -> [String] {
        switch kind {
        case .next, .join: []
        case .split: ["penwidth=2"]
        case .undo: ["style=dashed", "arrowhead=open"]
        case .failure: ["arrowhead=tee", "color=\"#b71c1c\""]
        }
    }

    /// What may stand between quotes, in YAML and in DOT.
    private static func quotable(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                escaped.unicodeScalars.append("\\")
                escaped.unicodeScalars.append(scalar)
            case "\n", "\r", "\t": escaped += " "
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

/// What both languages say about a node and an edge.
private struct Drawing {
    /// The nodes with short names that need no escaping.
    let nodes: [(id: String, node: WorkflowGraph.Node)]
    /// The short name of each node.
    let ids: [String: String]
    private let byName: [String: WorkflowGraph.Node]
    private let trail: GraphTrail?

    init(_ graph: WorkflowGraph, _ trail: GraphTrail?) {
        self.nodes = graph.nodes.enumerated().map { ("n\($0.offset)", $0.element) }
        self.ids = Dictionary(self.nodes.map { ($0.node.name, $0.id) }) { first, _ in first }
        self.byName = Dictionary(graph.nodes.map { ($0.name, $0) }) { first, _ in first }
        self.trail = trail
    }

    /// The lines in a node.
    func label(of node: WorkflowGraph.Node) -> [String] {
        var lines: [String] = []
        switch node.kind {
        case .task, .router, .split, .timer, .child, .success, .failure: lines.append(node.state)
        case .branch, .undo: break
        }
        if !node.detail.isEmpty, node.detail != node.state { lines.append(node.detail) }
        if lines.isEmpty { lines.append(node.state) }
        if let count = self.trail?.visits[node.name], count > 0 { lines.append("×\(count)") }
        return lines
    }

    /// The text beside an edge.
    func label(of edge: WorkflowGraph.Edge) -> String {
        guard let trail = self.trail, let node = self.byName[edge.from] else { return edge.label }
        let count = trail.count(of: edge, from: node)
        guard count > 1 || (count == 1 && edge.kind != .undo && edge.kind != .split) else { return edge.label }
        return edge.label.isEmpty ? "×\(count)" : "\(edge.label), ×\(count)"
    }
}
