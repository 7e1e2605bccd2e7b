// SPDX-License-Identifier: Apache-2.0 OR MIT

/// All that a worker needs to do one attempt of one piece of work.
public struct LeaseGrant: Hashable, Sendable {
    /// What the work gets to see and what it has to answer with.
    public enum Input: Hashable, Sendable {
        /// A task: context in; context, chosen state and output out. Behind a join it sees the results of the branches.
        case task(context: Payload, branches: [BranchOutcome]?)
        /// A router: context in, chosen state out.
        case router(context: Payload, branches: [BranchOutcome]?)
        /// The expansion of a split: context in, items out.
        case expand(context: Payload, branches: [BranchOutcome]?)
        /// A branch: the item and the context in, an output out.
        case branch(index: Int, item: Payload, context: Payload)
        /// An undo: what the task returned, or `nil` when nobody knows what became of it.
        case undo(of: WorkPath, output: Payload?)
    }

    /// The lease.
    public var lease: LeaseRef
    /// The definition of the run.
    public var definition: DefinitionKey
    /// The digest of that definition, in hexadecimal.
    public var digest: String
    /// The state that the work belongs to.
    public var state: String
    /// Who runs it; see ``TaskDefinition/handler``.
    public var handler: String
    /// What the handler needs to know.
    public var arguments: Payload?
    /// The states that may come next.
    public var next: [String]
    /// How long the attempt may take; `nil` for no bound.
    public var timeout: Span?
    /// How long the attempt may be without a sign of life of its code; `nil` for no bound.
    public var heartbeat: Span?
    /// What the work gets to see.
    public var input: Input
    /// The signal, or the end of a child, that led to the state; `nil` when something else did.
    public var arrival: Arrival?
    /// What the last good attempt left for this one; `nil` for the first.
    public var cursor: Payload?

    /// A grant from its parts.
    public init(
        lease: LeaseRef,
        definition: DefinitionKey,
        digest: String,
        state: String,
        handler: String,
        arguments: Payload?,
        next: [String],
        timeout: Span?,
        heartbeat: Span? = nil,
        input: Input,
        arrival: Arrival? = nil,
        cursor: Payload? = nil
    ) {
        self.lease = lease
        self.definition = definition
        self.digest = digest
        self.state = state
        self.handler = handler
        self.arguments = arguments
        self.next = next
        self.timeout = timeout
        self.heartbeat = heartbeat
        self.input = input
        self.arrival = arrival
        self.cursor = cursor
    }

    /// The idempotency key of the work: ``WorkKey/idempotencyKey``, with `/undo` behind that of the work undone.
    public var idempotencyKey: String {
        guard case .undo(let path, _) = self.input else { return self.lease.key.idempotencyKey }
        return WorkKey(run: self.lease.key.run, visit: self.lease.key.visit, path: path).idempotencyKey + "/undo"
    }
}
