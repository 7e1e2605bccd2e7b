// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A state in which a run starts another run and waits for its end.
///
/// A small task makes the child's context, as the expansion of a split makes items: it returns exactly one. However the
/// child ends, the run goes on, and the next state sees how it ended.
public struct ChildDefinition: Hashable, Sendable, Codable {
    /// What becomes of a child that runs when its parent is cancelled or out of time.
    public enum ParentEnd: String, Hashable, Sendable, Codable {
        /// The parent ends when the child has ended by itself.
        case wait
        /// The child is cancelled; the parent ends when it has ended.
        case cancel
        /// The child goes on alone; the parent ends at once.
        case abandon
    }

    /// Makes the child's context.
    public var input: TaskDefinition
    /// The child's workflow.
    public var workflow: String
    /// Its version; `nil` for the highest that the child's owner knows when the child starts.
    public var version: Int?
    /// What becomes of the child when the parent ends first (default: it is cancelled).
    public var onParentEnd: ParentEnd

    /// A child from its parts.
    public init(
        input: TaskDefinition,
        workflow: String,
        version: Int? = nil,
        onParentEnd: ParentEnd = .cancel
    ) {
        self.input = input
        self.workflow = workflow
        self.version = version
        self.onParentEnd = onParentEnd
    }
}
