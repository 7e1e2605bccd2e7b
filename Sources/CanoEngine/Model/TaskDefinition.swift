// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A piece of work that a worker does.
public struct TaskDefinition: Hashable, Sendable {
    /// The handler of code that is compiled into a worker, found by the definition's digest and the state.
    public static let compiledHandler = "swift"

    /// Who can run it: ``compiledHandler``, or a handler that workers have built in (`exec`, `http`).
    public var handler: String
    /// The task's name, for people.
    public var name: String
    /// What the handler needs to know, opaque to the coordinator.
    public var arguments: Payload?
    /// How often, and how patiently, it is tried again.
    public var retry: RetryPolicy
    /// How long one attempt may take from start to close; `nil` for no bound.
    public var timeout: Span?
    /// How it is undone; `nil` when there is nothing to undo.
    public var undo: UndoDefinition?
    /// Set when an attempt may end well without the work being done; `nil` when one good attempt is all of it.
    public var repetition: Repetition?
    /// How long the work may take from when its state is entered, over all attempts and pauses; `nil` for no bound.
    ///
    /// Only the task of a state has one; the branches of a split have ``JoinPolicy/within``.
    public var within: Span?
    /// How long the work may wait, ready, for a worker that begins it; `nil` for no bound.
    ///
    /// When the time is up it has failed for good.
    public var startWithin: Span?
    /// How long an attempt may be without a sign of life of its code; `nil` for no bound.
    public var heartbeat: Span?
    /// After how long of one attempt a second worker is given the same work, whose first outcome then wins.
    ///
    /// `nil`: never. Only for work that may be done twice at once.
    public var hedge: Span?
    /// Whether the worker that did the state before may do this one at once, in the same report.
    ///
    /// The store knows of neither until both are done: for work that takes far less time than a commit.
    public var isLocal: Bool

    /// A task from its parts.
    public init(
        handler: String,
        name: String,
        arguments: Payload? = nil,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Span? = nil,
        undo: UndoDefinition? = nil,
        repetition: Repetition? = nil,
        within: Span? = nil,
        startWithin: Span? = nil,
        heartbeat: Span? = nil,
        hedge: Span? = nil,
        isLocal: Bool = false
    ) {
        self.handler = handler
        self.name = name
        self.arguments = arguments
        self.retry = retry
        self.timeout = timeout
        self.undo = undo
        self.repetition = repetition
        self.within = within
        self.startWithin = startWithin
        self.heartbeat = heartbeat
        self.hedge = hedge
        self.isLocal = isLocal
    }
}

extension TaskDefinition: Codable {
    private enum CodingKeys: String, CodingKey {
        case handler, name, arguments, retry, timeout, undo, repetition, within, startWithin, heartbeat, hedge, isLocal
    }

    /// Reads the coded form; what was added later may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            handler: try container.decode(String.self, forKey: .handler),
            name: try container.decode(String.self, forKey: .name),
            arguments: try container.decodeIfPresent(Payload.self, forKey: .arguments),
            retry: try container.decode(RetryPolicy.self, forKey: .retry),
            timeout: try container.decodeIfPresent(Span.self, forKey: .timeout),
            undo: try container.decodeIfPresent(UndoDefinition.self, forKey: .undo),
            repetition: try container.decodeIfPresent(Repetition.self, forKey: .repetition),
            within: try container.decodeIfPresent(Span.self, forKey: .within),
            startWithin: try container.decodeIfPresent(Span.self, forKey: .startWithin),
            heartbeat: try container.decodeIfPresent(Span.self, forKey: .heartbeat),
            hedge: try container.decodeIfPresent(Span.self, forKey: .hedge),
            isLocal: try container.decodeIfPresent(Bool.self, forKey: .isLocal) ?? false
        )
    }

    /// Writes the coded form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.handler, forKey: .handler)
        try container.encode(self.name, forKey: .name)
        try container.encodeIfPresent(self.arguments, forKey: .arguments)
        try container.encode(self.retry, forKey: .retry)
        try container.encodeIfPresent(self.timeout, forKey: .timeout)
        try container.encodeIfPresent(self.undo, forKey: .undo)
        try container.encodeIfPresent(self.repetition, forKey: .repetition)
        try container.encodeIfPresent(self.within, forKey: .within)
        try container.encodeIfPresent(self.startWithin, forKey: .startWithin)
        try container.encodeIfPresent(self.heartbeat, forKey: .heartbeat)
        try container.encodeIfPresent(self.hedge, forKey: .hedge)
        if self.isLocal { try container.encode(self.isLocal, forKey: .isLocal) }
    }
}

/// How a compensatable task is undone.
public struct UndoDefinition: Hashable, Sendable, Codable {
    /// What the handler needs to know for the undo, opaque to the coordinator.
    public var arguments: Payload?
    /// How often, and how patiently, the undo is tried again.
    public var retry: RetryPolicy
    /// How long one attempt of the undo may take; `nil` for no bound.
    public var timeout: Span?
    /// Whether an attempt whose outcome nobody knows is undone too, without an output (default: yes).
    public var coversUnknown: Bool

    /// An undo from its parts.
    public init(
        arguments: Payload? = nil,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Span? = nil,
        coversUnknown: Bool = true
    ) {
        self.arguments = arguments
        self.retry = retry
        self.timeout = timeout
        self.coversUnknown = coversUnknown
    }
}

/// What makes a task one whose work is done in several attempts: each may end well and leave the rest to the next one.
///
/// Such an attempt leaves a cursor, which the next attempt is given. It belongs to the visit: another visit of the same
/// state begins without one.
public struct Repetition: Hashable, Sendable, Codable {
    /// Why the work takes several attempts.
    public enum Kind: String, Hashable, Sendable, Codable {
        /// Each attempt asks whether something is ready.
        case poll
        /// Each attempt does one step of a longer work.
        case stepped
        /// One attempt works for as long as it lasts, and makes cursors durable meanwhile.
        case stream
        /// The first attempt says until when to wait, the second one goes on.
        case timer
    }

    /// Why the work takes several attempts.
    public var kind: Kind
    /// The pause before the next attempt, where an attempt names none itself; `nil`: it follows at once.
    public var pause: Span?
    /// How many failed attempts one visit tolerates altogether; `nil`: only those count that follow one another, and
    /// the retry policy bounds them.
    public var errorBudget: Int?

    /// A repetition from its parts.
    public init(_ kind: Kind, pause: Span? = nil, errorBudget: Int? = nil) {
        self.kind = kind
        self.pause = pause
        self.errorBudget = errorBudget
    }
}
