// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A workflow as data: its states, how each one runs, and which states may come next.
///
/// No code, no closures.
///
/// The coordinator decides every transition from this value alone. A name and version stand for exactly one
/// ``digest``; a changed definition needs a new version.
public struct Definition: Hashable, Sendable, Codable {
    /// The workflow's name, unique in a store together with the version.
    public var name: String
    /// The version, from 1.
    public var version: Int
    /// The state where runs begin.
    public var start: String
    /// All states, in the order in which they were written.
    public var states: [StateDefinition]
    /// The context of a run that is started without one.
    public var context: Payload?
    /// How long a run may take from its start until it is undone; `nil` for no bound.
    public var timeout: Span?

    /// A definition from its parts; ``validate(limits:)`` tells whether they fit together.
    public init(
        name: String,
        version: Int,
        start: String,
        states: [StateDefinition],
        context: Payload? = nil,
        timeout: Span? = nil
    ) {
        self.name = name
        self.version = version
        self.start = start
        self.states = states
        self.context = context
        self.timeout = timeout
    }

    /// What the definition is known by.
    public var key: DefinitionKey { DefinitionKey(name: self.name, version: self.version) }
}

/// A workflow's name and version.
public struct DefinitionKey: Hashable, Sendable, Codable {
    /// The workflow's name.
    public var name: String
    /// Its version.
    public var version: Int

    /// A key from its parts.
    public init(name: String, version: Int) {
        self.name = name
        self.version = version
    }
}

extension DefinitionKey: CustomStringConvertible {
    /// The form that people read: `name@version`.
    public var description: String { "\(self.name)@\(self.version)" }
}

/// One state of a definition.
public struct StateDefinition: Hashable, Sendable, Codable {
    /// The state's name, unique in its definition.
    public var name: String
    /// How the state runs and where it leads.
    public var step: StepDefinition

    /// A state from its parts.
    public init(name: String, step: StepDefinition) {
        self.name = name
        self.step = step
    }
}

/// How a state runs, and which states may come next.
public enum StepDefinition: Hashable, Sendable, Codable {
    /// A task changes the context and, where several states may follow, chooses one of them.
    case task(run: TaskDefinition, to: [String])
    /// A task that only reads the context chooses the next state.
    case router(run: TaskDefinition, to: [String])
    /// A list of items is made, one branch runs for each, and a join decides when the run goes on.
    case split(SplitDefinition, to: String)
    /// The run waits for a time, as a row in the store.
    case timer(after: Span, to: String)
    /// The run ends here.
    case exit(ExitDefinition)
}

/// How a run ends that reaches an exit.
public enum ExitDefinition: String, Hashable, Sendable, Codable {
    /// The run succeeded.
    case success
    /// The run failed: what was pushed for undo is undone.
    case failure
}

/// A piece of work that a worker does.
public struct TaskDefinition: Hashable, Sendable, Codable {
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
    /// What must allow an attempt before it is granted; `nil` for nothing.
    ///
    /// An undo is not held up by the limits of what it undoes.
    public var limits: [DeclaredLimit]?

    /// A task from its parts.
    public init(
        handler: String,
        name: String,
        arguments: Payload? = nil,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Span? = nil,
        undo: UndoDefinition? = nil,
        limits: [DeclaredLimit]? = nil
    ) {
        self.handler = handler
        self.name = name
        self.arguments = arguments
        self.retry = retry
        self.timeout = timeout
        self.undo = undo
        self.limits = limits
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

/// A split: one small task makes the items, one branch task runs for each of them.
public struct SplitDefinition: Hashable, Sendable, Codable {
    /// What becomes of a compensatable branch that succeeds after the join was decided without it.
    public enum Losers: String, Hashable, Sendable, Codable {
        /// It is undone together with the others, should the run be undone.
        case undo
        /// It stays as it is.
        case keep
    }

    /// Makes the list of items from the context.
    public var expand: TaskDefinition
    /// Runs once for each item.
    public var branch: TaskDefinition
    /// When the run goes on.
    public var join: JoinPolicy
    /// What becomes of late successes (default: undo).
    public var losers: Losers

    /// A split from its parts.
    public init(expand: TaskDefinition, branch: TaskDefinition, join: JoinPolicy = .all, losers: Losers = .undo) {
        self.expand = expand
        self.branch = branch
        self.join = join
        self.losers = losers
    }
}
