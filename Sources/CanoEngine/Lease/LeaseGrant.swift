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

    /// The lease.
    public var lease: LeaseRef
    private var work: Shared<Work>
    /// What the work gets to see.
    public var input: Input
    /// The signal, or the end of a child, that led to the state; `nil` when something else did.
    public var arrival: Arrival?
    /// What the last good attempt left for this one; `nil` for the first.
    public var cursor: Payload?
    /// The trace that the run belongs to; `nil` when it was started outside of any.
    public var trace: TraceContext?

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
        self.lease = lease
        self.work = work
        self.input = input
        self.arrival = arrival
        self.cursor = cursor
        self.trace = trace
    }

    /// The definition of the run.
    public var definition: DefinitionKey {
        get { self.work.value.definition }
        set { self.work.value.definition = newValue }
    }

    /// The digest of that definition, in hexadecimal.
    public var digest: String {
        get { self.work.value.digest }
        set { self.work.value.digest = newValue }
    }

    /// The state that the work belongs to.
    public var state: String {
        get { self.work.value.state }
        set { self.work.value.state = newValue }
    }

    /// Who runs it; see ``TaskDefinition/handler``.
    public var handler: String {
        get { self.work.value.handler }
        set { self.work.value.handler = newValue }
    }

    /// What the handler needs to know.
    public var arguments: Payload? {
        get { self.work.value.arguments }
        set { self.work.value.arguments = newValue }
    }

    /// The states that may come next.
    public var next: [String] {
        get { self.work.value.next }
        set { self.work.value.next = newValue }
    }

    /// How long the attempt may take; `nil` for no bound.
    public var timeout: Span? {
        get { self.work.value.timeout }
        set { self.work.value.timeout = newValue }
    }

    /// How long the attempt may be without a sign of life of its code; `nil` for no bound.
    public var heartbeat: Span? {
        get { self.work.value.heartbeat }
        set { self.work.value.heartbeat = newValue }
    }

    /// The idempotency key of the work: ``WorkKey/idempotencyKey``, with `/undo` behind that of the work undone.
    public var idempotencyKey: String {
        guard case .undo(let path, _) = self.input else { return self.lease.key.idempotencyKey }
        return WorkKey(run: self.lease.key.run, visit: self.lease.key.visit, path: path).idempotencyKey + "/undo"
    }
}
