// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The way that a run took through its graph, from its records.
///
/// Drawing programs get it together with the graph, see ``WorkflowGraph/mermaid(_:)`` and ``WorkflowGraph/dot(_:)``.
public struct GraphTrail: Hashable, Sendable {
    /// What a record says about the way.
    public enum Mark: Hashable, Sendable {
        /// A state was entered; the first one is where the run began.
        case entered(String)
        /// The branch of the current state's split with this index ended with success.
        case branchDone(index: Int)
        /// What a task did was kept for its undo, under this number.
        case pushed(seq: Int, state: String, branch: Int?)
        /// What was kept under this number was undone.
        case undone(seq: Int)
        /// The run ended, in an exit when `state` is set, with success or without.
        case ended(state: String?, hasSucceeded: Bool)
    }

    /// How a node looks.
    enum Look: Hashable {
        case untouched, visited, current, stopped
    }

    /// From where to where, by the names of states.
    struct Move: Hashable {
        var from: String
        var to: String
    }

    /// How often each node was visited.
    private(set) var visits: [String: Int] = [:]
    /// How often each move was made.
    private(set) var moves: [Move: Int] = [:]
    private var last: String?
    private var end: Bool?
    private var pushes: [Int: [String]] = [:]

    /// The way of a run that has not begun.
    public init() {}

    /// Adds what a record says; records are added in their order.
    public mutating func add(_ mark: Mark) {
        switch mark {
        case .entered(let state):
            self.enter(state)
        case .branchDone(let index):
            guard let last = self.last else { return }
            for node in Self.nodes(of: last, branch: index) { self.visits[node, default: 0] += 1 }
        case .pushed(let seq, let state, let branch):
            self.pushes[seq] = Self.nodes(of: state, branch: branch)
        case .undone(let seq):
            for node in self.pushes.removeValue(forKey: seq) ?? [] {
                self.visits[WorkflowGraph.undo(of: node), default: 0] += 1
            }
        case .ended(let state, let hasSucceeded):
            // A run that turned back in an exit had entered it before.
            if let state, state != self.last { self.enter(state) }
            self.end = hasSucceeded
        }
    }

    /// The nodes that may stand for a piece of work: which of them a graph has, its definition says.
    private static func nodes(of state: String, branch: Int?) -> [String] {
        guard let branch else { return [state, WorkflowGraph.gather(of: state)] }
        return [WorkflowGraph.branch(of: state), WorkflowGraph.branch(of: state, branch)]
    }

    private mutating func enter(_ state: String) {
        // A split that gathers its results enters its own state once more.
        if state == self.last { self.visits[WorkflowGraph.gather(of: state), default: 0] += 1 }
        if let last = self.last { self.moves[Move(from: last, to: state), default: 0] += 1 }
        self.visits[state, default: 0] += 1
        self.last = state
    }

    /// How a node looks.
    func look(of node: WorkflowGraph.Node) -> Look {
        if node.name == self.last {
            switch self.end {
            case nil: return .current
            case false?: return .stopped
            case true?: return .visited
            }
        }
        return self.visits[node.name] == nil ? .untouched : .visited
    }

    /// How often the run went along an edge.
    func count(of edge: WorkflowGraph.Edge, from node: WorkflowGraph.Node) -> Int {
        switch edge.kind {
        case .join where edge.to == WorkflowGraph.gather(of: node.state): self.visits[edge.to] ?? 0
        case .next, .join, .failure: self.moves[Move(from: node.state, to: edge.to)] ?? 0
        case .split, .undo: self.visits[edge.to] ?? 0
        }
    }
}
