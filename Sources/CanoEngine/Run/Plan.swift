// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A definition made ready for running: states by number, names resolved, digest computed once.
///
/// A plan is immutable and shared by all runs of its definition.
public final class Plan: Sendable {
    /// A state by its place in ``states``.
    public typealias Index = Int

    /// One state with what a run asks about it.
    public struct State: Sendable {
        /// The state's name.
        public let name: String
        /// How it runs.
        public let step: StepDefinition
        /// The states that may come next.
        public let next: [String]

        /// How long the state's own task may take over all attempts; `nil` for no bound.
        var deadline: Span? {
            switch self.step {
            case .task(let task, _), .router(let task, _): task.within
            case .split, .timer, .exit: nil
            }
        }
    }

    /// The definition.
    public let definition: Definition
    /// Its digest, in hexadecimal.
    public let digest: String
    /// Its states.
    public let states: [State]
    /// Where runs begin.
    public let start: Index
    private let indices: [String: Index]

    /// Makes a definition ready; it is validated first.
    public init(_ definition: Definition, limits: Limits) throws(CanoError) {
        try definition.validate(limits: limits)
        self.definition = definition
        self.digest = definition.digest
        self.states = definition.states.map { State(name: $0.name, step: $0.step, next: $0.step.next) }
        var indices: [String: Index] = [:]
        for (index, state) in definition.states.enumerated() { indices[state.name] = index }
        guard let start = indices[definition.start] else {
            throw CanoError(.invalidDefinition, "\(definition.key): the start state '\(definition.start)' is missing")
        }
        self.indices = indices
        self.start = start
    }

    /// The definition's name and version.
    public var key: DefinitionKey { self.definition.key }

    /// The names of the signals that runs wait for, in the order of the states.
    public var signals: [String] {
        var names: [String] = []
        for case .wait(let wait, _) in self.states.map(\.step) where !names.contains(wait.signal) {
            names.append(wait.signal)
        }
        return names
    }

    /// The place of a state; `nil` when there is none of that name.
    public func index(of state: String) -> Index? { self.indices[state] }

    /// The task that does this work in that state; `nil` when the state has no such work.
    ///
    /// For an undo it is the task that is undone.
    public func task(_ path: WorkPath, in state: Index) -> TaskDefinition? {
        switch (self.states[state].step, path) {
        case (.task(let task, _), .step), (.router(let task, _), .step): task
        case (.split(let split, _), .step): split.gather
        case (.split(let split, _), .expand): split.expand
        case (.split(let split, _), .branch(let index)): split.branch(at: index)
        case (.child(let child, _), .expand): child.input
        case (.task, _), (.router, _), (.split, _), (.timer, _), (.wait, _), (.child, _), (.exit, _): nil
        }
    }

    /// Who can do the work of a task.
    public func capability(for task: TaskDefinition) -> Capability {
        task.handler == TaskDefinition.compiledHandler ? .compiled(digest: self.digest) : .handler(task.handler)
    }
}

extension Plan: Hashable {
    /// Whether both are the same.
    public static func == (left: Plan, right: Plan) -> Bool {
        left === right || left.digest == right.digest
    }

    /// Feeds the hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.digest)
    }
}
