// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The way that a run took through its graph, from its records.
///
/// Drawing programs get it together with the graph, see ``WorkflowGraph/mermaid(_:)`` and ``WorkflowGraph/dot(_:)``.
public struct GraphTrail: Hashable, Sendable {
    /// What a record says about the way.
    public enum Mark: Hashable, Sendable {
        /// A state was entered; the first one is where the run began.
        case entered(String)
        /// A branch of the current state's split ended with success.
        case branchDone
        /// What a task did was kept for its undo, under this number.
        case pushed(seq: Int, state: String, isBranch: Bool)
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
    private var pushes: [Int: String] = [:]

    /// The way of a run that has not begun.
    public init() {}

    /// Adds what a record says; records are added in their order.
    public mutating func add(_ mark: Mark) {
        switch mark {
        case .entered(let state):
            self.enter(state)
        case .branchDone:
            if let last = self.last { self.visits[WorkflowGraph.branch(of: last), default: 0] += 1 }
        case .pushed(let seq, let state, let isBranch):
            self.pushes[seq] = isBranch ? WorkflowGraph.branch(of: state) : state
        case .undone(let seq):
            guard let node = self.pushes.removeValue(forKey: seq) else { return }
            self.visits[WorkflowGraph.undo(of: node), default: 0] += 1
        case .ended(let state, let hasSucceeded):
            // A run that turned back in an exit had entered it before.
            if let state, state != self.last { self.enter(state) }
            self.end = hasSucceeded
        }
    }

    private mutating func enter(_ state: String) {
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
        case .next, .join, .failure: self.moves[Move(from: node.state, to: edge.to)] ?? 0
        case .split, .undo: self.visits[edge.to] ?? 0
        }
    }
}
