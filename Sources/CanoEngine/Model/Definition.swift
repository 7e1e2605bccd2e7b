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
    /// What happens when something cannot be undone; `nil` stands for ``UndoFailure/continue``.
    public var onUndoFailure: UndoFailure?

    /// A definition from its parts; ``validate(limits:)`` tells whether they fit together.
    public init(
        name: String,
        version: Int,
        start: String,
        states: [StateDefinition],
        context: Payload? = nil,
        timeout: Span? = nil,
        onUndoFailure: UndoFailure? = nil
    ) {
        self.name = name
        self.version = version
        self.start = start
        self.states = states
        self.context = context
        self.timeout = timeout
        self.onUndoFailure = onUndoFailure
    }

    /// What the definition is known by.
    public var key: DefinitionKey { DefinitionKey(name: self.name, version: self.version) }
}

/// What a run does when an undo has used up its attempts.
public enum UndoFailure: String, Hashable, Sendable, Codable {
    /// The entry counts as not undone, and the next one is undone.
    case `continue`
    /// The run is blocked until a person decides: see ``Intervention``.
    case block
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
public indirect enum StepDefinition: Hashable, Sendable, Codable {
    /// A task changes the context and, where several states may follow, chooses one of them.
    case task(run: TaskDefinition, to: [String])
    /// A task that only reads the context chooses the next state.
    case router(run: TaskDefinition, to: [String])
    /// A list of items is made, one branch runs for each, and a join decides when the run goes on.
    case split(SplitDefinition, to: String)
    /// The run waits for a time, as a row in the store.
    case timer(after: Span, to: String)
    /// The run waits for a signal, as a row in the store.
    case wait(WaitDefinition, to: String)
    /// The run starts another run and waits for its end, as a row in the store.
    case child(ChildDefinition, to: String)
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
