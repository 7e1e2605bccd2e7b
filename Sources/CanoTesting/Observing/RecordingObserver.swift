// SPDX-License-Identifier: Apache-2.0 OR MIT

public import Cano

/// Keeps every event of a runner, and answers what a test wants to know about them.
///
/// One observer may watch several runners, one after the other or at once: shared by a suite, it tells which states
/// the suite never entered.
///
/// ```swift
/// let observer = RecordingObserver()
/// configuration.observers = [observer]
/// …
/// try observer.expectPath(of: IndexBooks.self, .fetch, .count, .publish, .done)
/// try observer.expectBalance()
/// ```
public final class RecordingObserver: RunObserver {
    private let kept = Guarded<[RunEvent]>([])

    /// An observer that has heard nothing.
    public init() {}

    /// Takes an event in.
    public func observe(_ event: RunEvent) {
        self.kept.withLock { $0.append(event) }
    }

    /// Everything that was heard, in order.
    public var events: [RunEvent] { self.kept.withLock { $0 } }

    /// What was heard of one run, in order.
    ///
    /// - Parameter run: the run.
    /// - Returns: its events.
    public func events(of run: RunID) -> [RunEvent] {
        self.events.filter { $0.run == run }
    }

    /// Forgets what was heard.
    ///
    /// - Returns: what is forgotten.
    @discardableResult
    public func take() -> [RunEvent] {
        self.kept.withLock { events in
            let taken = events
            events = []
            return taken
        }
    }

    /// The runs that something was heard of, in the order of their first events.
    ///
    /// - Parameter workflow: only runs of this workflow.
    /// - Returns: the runs.
    public func runs<W: Workflow>(of workflow: W.Type) -> [RunID] {
        var seen: Set<RunID> = []
        return self.events.lazy.filter { $0.definition.name == W.name }.map(\.run).filter { seen.insert($0).inserted }
    }

    /// The states that a run entered, in order, its exit included.
    ///
    /// - Parameter run: the run.
    /// - Returns: the states' names.
    public func path(of run: RunID) -> [String] {
        self.events(of: run).filter { $0.kind == .entered }.map(\.state)
    }

    /// The states of a workflow that no run entered: dead ones, or ones that no test reaches.
    ///
    /// - Parameter workflow: the workflow.
    /// - Returns: the states, in the order in which they are declared.
    public func statesNeverEntered<W: Workflow>(of workflow: W.Type) -> [W.State] {
        let events = self.events
        let entered = Set(
            events.lazy.filter { $0.definition.name == W.name && $0.kind == .entered }.map(\.state)
        )
        return W.State.allCases.filter { !entered.contains($0.rawValue) }
    }
}
