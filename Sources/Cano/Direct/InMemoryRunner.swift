// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine
public import Logging

/// Runs a workflow in the task that calls it, without a store: nothing is written, and a run ends with its process.
///
/// The rules are those of every other run: retries, timeouts, joins, the undo of what was done. What there is no store
/// for is missing: keys, history, resuming. A run costs well under a microsecond for each state, because nothing is
/// encoded, written or handed to another task. Make the runner once and use it for all runs.
///
/// ```swift
/// let runner = try InMemoryRunner(IndexBooks())
/// let result = try await runner.run(.init(shelf: "poetry"))
/// ```
///
/// Cancelling the task cancels the run: what it did is undone, and the call throws `cancelled`. A task of the run that
/// does not heed its cancellation is waited for, however long it takes. Of `Limits`, those that count bytes do not
/// apply.
public struct InMemoryRunner<W: Workflow>: Sendable {
    @usableFromInline let program: DirectProgram<W>
    @usableFromInline let ids = RunIDSource()

    /// Makes a workflow ready.
    ///
    /// - Parameters:
    ///   - workflow: the workflow, with what its tasks need.
    ///   - limits: the bounds that its definition and its runs keep.
    ///   - logger: what tasks log to.
    /// - Throws: `invalidDefinition` with every problem of the workflow in one line; also for one with states that need
    ///   a store, by name: only tasks, routers, splits without a bound of branches in flight, timers of a length and
    ///   exits do without, and none of them with limits, deadlines, heartbeats or hedging.
    public init(
        _ workflow: W,
        limits: Limits = Limits(),
        logger: Logger = Logger(label: "cano")
    ) throws(CanoError) {
        self.program = try DirectProgram(workflow, limits: limits, logger: logger)
    }

    /// Runs the workflow from its start state to its end.
    ///
    /// - Parameter context: what the start state sees.
    /// - Returns: the exit state and the context at the end.
    /// - Throws: `runFailed` when the run ended without success, with the reason; `cancelled` when the task was
    ///   cancelled meanwhile. What the run did is undone then.
    @concurrent
    @inlinable
    public func run(_ context: W.Context) async throws -> RunResult<W> {
        let id = self.ids.next()
        var run = DirectRun(self.program, id: id, context: context)
        let outcome: RunOutcome
        if let timeout = self.program.timeout {
            (run, outcome) = await Self.drive(run, within: timeout)
        } else {
            outcome = await run.drive()
        }
        if let error = CanoError(outcome, of: id) { throw error }
        return RunResult(state: self.program.states[run.state].state, context: run.context)
    }

    /// Drives a run that has a total time.
    @usableFromInline
    static func drive(_ run: DirectRun<W>, within timeout: Span) async -> (DirectRun<W>, RunOutcome) {
        let ending = Guarded<Ending?>(nil)
        return await withTaskGroup(of: (DirectRun<W>, RunOutcome)?.self) { group in
            group.addTask {
                var run = run
                run.stopReason = ending
                let outcome = await run.drive()
                return (run, outcome)
            }
            group.addTask {
                do { try await Task.sleep(for: timeout.duration) } catch { return nil }
                ending.withLock { $0 = .timedOut }
                return nil
            }
            var end: (DirectRun<W>, RunOutcome)?
            // The run first: then the clock is not needed any more. The clock first: then the run is stopped.
            while let next = await group.next() {
                end = next ?? end
                group.cancelAll()
            }
            guard let end else { fatalError("a run ended without an outcome") }
            return end
        }
    }
}

extension Workflow {
    /// Runs this workflow once, in the task that calls it and without a store; see ``InMemoryRunner``.
    ///
    /// It makes an ``InMemoryRunner`` first: who runs a workflow often keeps one.
    ///
    /// - Parameter context: what the start state sees.
    /// - Returns: the exit state and the context at the end.
    /// - Throws: what ``InMemoryRunner`` throws.
    public func run(_ context: Context) async throws -> RunResult<Self> {
        try await InMemoryRunner(self).run(context)
    }
}

extension CanoError {
    /// What whoever awaits a run is told about its end; `nil` when it succeeded.
    @usableFromInline
    init?(_ outcome: RunOutcome, of run: RunID) {
        switch outcome {
        case .succeeded: return nil
        case .cancelled(let by): self.init(.cancelled, "run \(run) was cancelled by \(by)")
        case .failed, .timedOut:
            self.init(.runFailed, "run \(run) failed: \(outcome.note ?? "for an unknown reason")")
        }
    }
}
