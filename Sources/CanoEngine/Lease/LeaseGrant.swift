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

    /// What the same work of every run of a definition has in common; grants share it.
    struct Work: Hashable, Sendable {
        var definition: DefinitionKey
        var digest: String
        var state: String
        var handler: String
        var arguments: Payload?
        var next: [String]
        var timeout: Span?
        var heartbeat: Span?
    }

    private struct Content: Hashable, Sendable {
        var lease: LeaseRef
        var work: Shared<Work>
        var input: Input
        var arrival: Arrival?
        var cursor: Payload?
        var trace: TraceContext?
    }

    /// Grants go through many hands, so a copy is one reference.
    private var content: Shared<Content>

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
        cursor: Payload? = nil,
        trace: TraceContext? = nil
    ) {
        let work = Work(
            definition: definition,
            digest: digest,
            state: state,
            handler: handler,
            arguments: arguments,
            next: next,
            timeout: timeout,
            heartbeat: heartbeat
        )
        self.init(
            lease: lease,
            work: Shared(work),
            input: input,
            arrival: arrival,
            cursor: cursor,
            trace: trace
        )
    }

    init(
        lease: LeaseRef,
        work: Shared<Work>,
        input: Input,
        arrival: Arrival?,
        cursor: Payload?,
        trace: TraceContext?
    ) {
        self.content = Shared(
            Content(lease: lease, work: work, input: input, arrival: arrival, cursor: cursor, trace: trace)
        )
    }

    private var work: Work {
        _read { yield self.content.value.work.value }
        _modify { yield &self.content.value.work.value }
    }

    /// The lease.
    public var lease: LeaseRef {
        get { self.content.value.lease }
        set { self.content.value.lease = newValue }
    }

    /// What the work gets to see.
    public var input: Input {
        get { self.content.value.input }
        set { self.content.value.input = newValue }
    }

    /// The signal, or the end of a child, that led to the state; `nil` when something else did.
    public var arrival: Arrival? {
        get { self.content.value.arrival }
        set { self.content.value.arrival = newValue }
    }

    /// What the last good attempt left for this one; `nil` for the first.
    public var cursor: Payload? {
        get { self.content.value.cursor }
        set { self.content.value.cursor = newValue }
    }

    /// The trace that the run belongs to; `nil` when it was started outside of any.
    public var trace: TraceContext? {
        get { self.content.value.trace }
        set { self.content.value.trace = newValue }
    }

    /// The definition of the run.
    public var definition: DefinitionKey {
        get { self.work.definition }
        set { self.work.definition = newValue }
    }

    /// The digest of that definition, in hexadecimal.
    public var digest: String {
        get { self.work.digest }
        set { self.work.digest = newValue }
    }

    /// The state that the work belongs to.
    public var state: String {
        get { self.work.state }
        set { self.work.state = newValue }
    }

    /// Who runs it; see ``TaskDefinition/handler``.
    public var handler: String {
        get { self.work.handler }
        set { self.work.handler = newValue }
    }

    /// What the handler needs to know.
    public var arguments: Payload? {
        get { self.work.arguments }
        set { self.work.arguments = newValue }
    }

    /// The states that may come next.
    public var next: [String] {
        get { self.work.next }
        set { self.work.next = newValue }
    }

    /// How long the attempt may take; `nil` for no bound.
    public var timeout: Span? {
        get { self.work.timeout }
        set { self.work.timeout = newValue }
    }

    /// How long the attempt may be without a sign of life of its code; `nil` for no bound.
    public var heartbeat: Span? {
        get { self.work.heartbeat }
        set { self.work.heartbeat = newValue }
    }

    /// The idempotency key of the work: ``WorkKey/idempotencyKey``, with `/undo` behind that of the work undone.
    public var idempotencyKey: String {
        guard case .undo(let path, _) = self.input else { return self.lease.key.idempotencyKey }
        return WorkKey(run: self.lease.key.run, visit: self.lease.key.visit, path: path).idempotencyKey + "/undo"
    }
}
