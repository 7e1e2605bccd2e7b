// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A definition made ready for running: states by number, names resolved, digest computed once.
///
/// A plan is immutable and shared by all runs of its definition.
public final class Plan: Sendable {
    /// A state by its place in ``states``.
    public typealias Index = Int

    /// One state with what a run asks about it.
    public final class State: Sendable {
        /// The state's name.
        public let name: String
        /// How it runs.
        public let step: StepDefinition
        /// The states that may come next.
        public let next: [String]
        /// How long the state's own task may take over all attempts; `nil` for no bound.
        let deadline: Span?
        /// Its own task, or the one that gets the results of its branches.
        let task: PlannedTask?
        /// What makes the items of its split, or the input of its child.
        let expand: PlannedTask?
        /// What its branches do: one task for all of them, or each its own.
        let branches: [PlannedTask]
        private let hasFixedBranches: Bool

        init(_ state: StateDefinition, of key: DefinitionKey, digest: String) {
            let (name, step, next) = (state.name, state.step, state.step.next)
            func planned(_ task: TaskDefinition) -> PlannedTask {
                PlannedTask(task, in: name, next: next, of: key, digest: digest)
            }
            (self.name, self.step, self.next) = (name, step, next)
            switch step {
            case .task(let task, _), .router(let task, _):
                (self.task, self.expand, self.branches) = (planned(task), nil, [])
                (self.deadline, self.hasFixedBranches) = (task.within, false)
            case .split(let split, _):
                self.task = split.gather.map(planned)
                self.expand = split.expand.map(planned)
                self.deadline = nil
                switch split.work {
                case .each(_, let branch): (self.branches, self.hasFixedBranches) = ([planned(branch)], false)
                case .fixed(let branches): (self.branches, self.hasFixedBranches) = (branches.map(planned), true)
                }
            case .child(let child, _):
                (self.task, self.expand, self.branches) = (nil, planned(child.input), [])
                (self.deadline, self.hasFixedBranches) = (nil, false)
            case .timer, .wait, .exit:
                (self.task, self.expand, self.branches) = (nil, nil, [])
                (self.deadline, self.hasFixedBranches) = (nil, false)
            }
        }

        /// What the branch with this index does; `nil` when there is none.
        func branch(_ index: Int) -> PlannedTask? {
            guard self.hasFixedBranches else { return self.branches.first }
            return self.branches.indices.contains(index) ? self.branches[index] : nil
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
        let digest = definition.digest
        self.definition = definition
        self.digest = digest
        self.states = definition.states.map { State($0, of: definition.key, digest: digest) }
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
        self.planned(path, in: state)?.definition
    }

    /// The same by reference.
    func planned(_ path: WorkPath, in state: Index) -> PlannedTask? {
        switch path {
        case .step: self.states[state].task
        case .expand: self.states[state].expand
        case .branch(let index): self.states[state].branch(index)
        case .undo: nil
        }
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
