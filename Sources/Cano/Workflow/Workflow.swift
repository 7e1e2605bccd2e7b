// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The states of a workflow: an enum with `String` raw values.
///
/// The raw values are stored with every run, so a state keeps its raw value for as long as runs may be in it.
public protocol WorkflowState: RawRepresentable, CaseIterable, Codable, Hashable, Sendable where RawValue == String {}

/// A finite state machine that runs durably, in this process or on a cluster.
///
/// The `switch` in ``step(in:)`` is exhaustive, so the compiler proves that every state has its step. A value of the
/// workflow may hold what its tasks need, such as clients and pools: it is made once in each process that runs tasks
/// and shared by all its runs, so it must not hold anything that belongs to one run. That is what the context is for.
public protocol Workflow: Sendable {
    /// The states.
    associatedtype State: WorkflowState
    /// What a run knows: durable, and changed by its tasks. It travels with the run as JSON.
    associatedtype Context: Codable & Sendable

    /// The name, unique in a store: letters, digits, `-`, `_` and `.` of ASCII.
    static var name: String { get }
    /// The version, from 1; a workflow whose definition changes needs a new one.
    static var version: Int { get }
    /// The state where runs begin (default: the first case).
    static var start: State { get }
    /// How long a run may take before it is undone; `nil` for no bound (the default).
    static var timeout: Duration? { get }

    /// What a run does when an undo has used up its attempts (default: it goes on with the next undo).
    static var onUndoFailure: UndoFailure { get }

    /// How a state runs, and which states may come next.
    ///
    /// It is called for each state when the workflow is registered, perhaps more than once, and not while runs go on:
    /// the same state must always get the same step.
    func step(in state: State) -> Step<Self>
}

extension Workflow {
    /// The first case.
    public static var start: State {
        guard let first = State.allCases.first else {
            fatalError("\(Self.self).State has no cases: declare at least an exit")
        }
        return first
    }

    /// No bound.
    public static var timeout: Duration? { nil }

    /// The entry counts as not undone, and the next one is undone.
    public static var onUndoFailure: UndoFailure { .continue }

    /// The workflow as data: what coordinators decide from.
    public func definition() -> Definition {
        Definition(
            name: Self.name,
            version: Self.version,
            start: Self.start.rawValue,
            states: State.allCases.map {
                StateDefinition(name: $0.rawValue, step: self.step(in: $0).definition)
            },
            timeout: Self.timeout.map(Span.init),
            onUndoFailure: Self.onUndoFailure == .block ? .block : nil
        )
    }
}
