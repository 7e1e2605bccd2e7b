// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A definition as a graph, to be drawn: what runs, and what leads where.
///
/// It has a node for each state, and beside it one for what runs in its branches and one for each undo. Nodes and
/// edges stand in the order of the definition, so equal definitions give equal text.
public struct WorkflowGraph: Hashable, Sendable {
    /// One box.
    public struct Node: Hashable, Sendable {
        /// What a box stands for.
        public enum Kind: Hashable, Sendable, CaseIterable {
            /// A task that works on the context.
            case task
            /// A task that only chooses the next state.
            case router
            /// A state that makes items, each of which gets a branch.
            case split
            /// What runs for each item of a split.
            case branch
            /// A wait for a time, or for a signal.
            case timer
            /// A run that is started and awaited.
            case child
            /// An exit of success.
            case success
            /// An exit of failure.
            case failure
            /// What undoes a task when the run turns back.
            case undo
        }

        /// The node's name, unique in the graph: a state's name, or that with `/branch` or `/undo` behind it.
        public var name: String
        /// The state that it belongs to.
        public var state: String
        /// What it stands for.
        public var kind: Kind
        /// What runs there, for people; empty when there is nothing to say.
        public var detail: String

        /// A node from its parts.
        public init(name: String, state: String, kind: Kind, detail: String = "") {
            self.name = name
            self.state = state
            self.kind = kind
            self.detail = detail
        }
    }

    /// One arrow.
    public struct Edge: Hashable, Sendable {
        /// Why an arrow is there.
        public enum Kind: Hashable, Sendable, CaseIterable {
            /// The run goes on there.
            case next
            /// A branch begins for each item.
            case split
            /// The run goes on there when the join is satisfied.
            case join
            /// This undoes it when the run turns back.
            case undo
            /// The run ends there without success, and turns back.
            case failure
        }

        /// The name of the node where it begins.
        public var from: String
        /// The name of the node where it ends.
        public var to: String
        /// Why it is there.
        public var kind: Kind
        /// What stands beside it, for people; empty for nothing.
        public var label: String

        /// An edge from its parts.
        public init(from: String, to: String, kind: Kind, label: String = "") {
            self.from = from
            self.to = to
            self.kind = kind
            self.label = label
        }
    }

    /// What the graph is called: the definition's name and version.
    public var title: String
    /// The name of the node where runs begin.
    public var start: String
    /// The boxes.
    public var nodes: [Node]
    /// The arrows.
    public var edges: [Edge]

    /// A graph from its parts.
    public init(title: String, start: String, nodes: [Node] = [], edges: [Edge] = []) {
        self.title = title
        self.start = start
        self.nodes = nodes
        self.edges = edges
    }
}
