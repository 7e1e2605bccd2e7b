// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Definition {
    /// The definition as a graph.
    ///
    /// It can be drawn whether or not the definition is valid: an edge to a state that does not exist leads to a node
    /// that the drawing programs make up.
    public var graph: WorkflowGraph {
        var graph = WorkflowGraph(title: self.key.description, start: self.start)
        for state in self.states { graph.add(state) }
        let failures = Set(graph.nodes.filter { $0.kind == .failure }.map(\.name))
        for index in graph.edges.indices where failures.contains(graph.edges[index].to) {
            graph.edges[index].kind = .failure
        }
        return graph
    }
}

extension WorkflowGraph {
    /// The name of the node for a split's branches.
    static func branch(of state: String) -> String { state + "/branch" }

    /// The name of the node for one of a split's branches, where they differ.
    static func branch(of state: String, _ index: Int) -> String { "\(state)/branch/\(index)" }

    /// The name of the node for what gets the results of a split in the same state.
    static func gather(of state: String) -> String { state + "/gather" }

    /// The name of the node for what undoes another one.
    static func undo(of node: String) -> String { node + "/undo" }

    fileprivate mutating func add(_ state: StateDefinition) {
        let name = state.name
        switch state.step {
        case .task(let task, let next):
            self.add(Node(name: name, state: name, kind: .task, detail: task.name), leadingTo: next)
            self.add(undoOf: task, at: name, state: name)
        case .router(let task, let next):
            self.add(Node(name: name, state: name, kind: .router, detail: task.name), leadingTo: next)
        case .split(let split, let next):
            self.add(split, of: name, leadingTo: [next] + split.choices)
        case .timer(let span, let next):
            self.add(Node(name: name, state: name, kind: .timer, detail: "waits \(span.phrase)"), leadingTo: [next])
        case .wait(let wait, let next):
            let detail = "waits for '\(wait.signal)'"
            self.add(Node(name: name, state: name, kind: .timer, detail: detail), leadingTo: [next])
            guard let late = wait.timeoutTo else { return }
            let label = wait.within.map { "after \($0.phrase)" } ?? ""
            self.edges.append(Edge(from: name, to: late, kind: .next, label: label))
        case .child(let child, let next):
            let version = child.version.map { "@\($0)" } ?? ""
            let detail = "runs \(child.workflow)\(version)"
            self.add(Node(name: name, state: name, kind: .child, detail: detail), leadingTo: [next])
        case .exit(let exit):
            switch exit {
            case .success: self.nodes.append(Node(name: name, state: name, kind: .success))
            case .failure: self.nodes.append(Node(name: name, state: name, kind: .failure))
            }
        }
    }

    private mutating func add(_ split: SplitDefinition, of state: String, leadingTo next: [String]) {
        let detail = split.expand?.name ?? ""
        self.nodes.append(Node(name: state, state: state, kind: .split, detail: detail))
        let goal = split.gather == nil ? next : [Self.gather(of: state)]
        switch split.work {
        case .each(_, let task):
            self.add(task, Self.branch(of: state), of: state, "each item", split.join.phrase, leadingTo: goal)
        case .fixed(let tasks):
            for (index, task) in tasks.enumerated() {
                self.add(task, Self.branch(of: state, index), of: state, "", split.join.phrase, leadingTo: goal)
            }
        }
        guard let gather = split.gather else { return }
        let node = Self.gather(of: state)
        self.add(Node(name: node, state: state, kind: .task, detail: gather.name), leadingTo: next)
        self.add(undoOf: gather, at: node, state: state)
    }

    private mutating func add(
        _ task: TaskDefinition,
        _ node: String,
        of state: String,
        _ begin: String,
        _ join: String,
        leadingTo next: [String]
    ) {
        self.edges.append(Edge(from: state, to: node, kind: .split, label: begin))
        self.nodes.append(Node(name: node, state: state, kind: .branch, detail: task.name))
        for name in next { self.edges.append(Edge(from: node, to: name, kind: .join, label: join)) }
        self.add(undoOf: task, at: node, state: state)
    }

    private mutating func add(_ node: Node, leadingTo next: [String]) {
        self.nodes.append(node)
        for name in next { self.edges.append(Edge(from: node.name, to: name, kind: .next)) }
    }

    private mutating func add(undoOf task: TaskDefinition, at node: String, state: String) {
        guard task.undo != nil else { return }
        let undo = Self.undo(of: node)
        self.nodes.append(Node(name: undo, state: state, kind: .undo, detail: "undoes \(task.name)"))
        self.edges.append(Edge(from: node, to: undo, kind: .undo))
    }
}

extension JoinPolicy {
    /// The policy in a few words.
    fileprivate var phrase: String {
        let rule =
            switch self.rule {
            case .all: "all"
            case .any: "any"
            case .quorum(let count): "\(count) succeed"
            case .quorumPercent(let percent): Int(exactly: percent).map { "\($0) %" } ?? "\(percent) %"
            case .partial(let count): "at least \(count) when all have ended"
            }
        return self.within.map { "\(rule), within \($0.phrase)" } ?? rule
    }
}

extension Span {
    /// The length in the largest unit that leaves no rest, such as `90 s` or `2 h`.
    package var phrase: String {
        let units: [(Int64, String)] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")]
        for (unit, name) in units where self.milliseconds >= unit && self.milliseconds % unit == 0 {
            return "\(self.milliseconds / unit) \(name)"
        }
        return "\(self.milliseconds) ms"
    }
}
