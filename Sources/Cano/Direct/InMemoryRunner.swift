// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine
public import Logging

/// Runs a workflow in the task that calls it, without a store: nothing is written, and a run ends with its process.
///
/// The rules are those of every other run: retries, timeouts, joins, the undo of what was done. What there is no store
/// for is missing: keys, history, resuming after a crash. A run costs well under a microsecond for each state, because
/// nothing is encoded, written or handed to another task. Make the runner once and use it for all runs; many at
/// once go into one call of ``runAll(_:inFlight:)``.
///
/// ```swift
/// let runner = try InMemoryRunner(IndexBooks())
/// let result = try await runner.run(.init(shelf: "poetry"))
/// ```
///
/// Cancelling the task cancels the run: what it did is undone, and the call throws `cancelled`. With
/// ``MemoryCheckpoints`` it interrupts the run instead, which goes on when it is resumed. A task of the run that does
/// not heed its cancellation is waited for, however long it takes. Of `Limits`, those that count bytes do not apply.
public struct InMemoryRunner<W: Workflow>: Sendable {
    /// The same program a few times, so that threads do not fight over its reference counts.
    @usableFromInline let programs: [DirectProgram<W>]

    /// So many copies are made at most.
    private static var mostPrograms: Int { 16 }

    /// Makes a workflow ready.
    ///
    /// - Parameters:
    ///   - workflow: the workflow, with what its tasks need.
    ///   - limits: the bounds that its definition and its runs keep.
    ///   - logger: what tasks log to.
    /// - Throws: `invalidDefinition` with every problem of the workflow in one line; also for one with states that need
    ///   a store, by name: streams, waits for signals, children, and whatever declares limits, a heartbeat, a second
    ///   worker (``Step/hedged(after:)``) or a time to start.
    public init(
        _ workflow: W,
        limits: Limits = Limits(),
        logger: Logger = Logger(label: "cano")
    ) throws(CanoError) {
        try self.init(workflow, limits: limits, logger: logger, copies: min(2 * Cores.count, Self.mostPrograms))
    }

    fileprivate init(_ workflow: W, limits: Limits, logger: Logger, copies: Int) throws(CanoError) {
        let definition = try DirectProgram.check(workflow, limits: limits)
        // What the steps make is there once, however many copies of the program there are.
        let steps = W.State.allCases.map { ($0, workflow.step(in: $0)) }
        self.programs = (0..<copies)
            .map { _ in
                DirectProgram(steps, definition, limits: limits, logger: logger.unshared)
            }
    }

    /// The program for a run that begins on this thread.
    @inlinable var program: DirectProgram<W> { self.programs[ThreadNumber.current % self.programs.count] }

    /// Runs the workflow from its start state to its end.
    ///
    /// - Parameter context: what the start state sees.
    /// - Returns: the exit state and the context at the end.
    /// - Throws: `runFailed` when the run ended without success, with the reason; `cancelled` when the task was
    ///   cancelled meanwhile. What the run did is undone then.
    @concurrent
    @inlinable
    public func run(_ context: W.Context) async throws -> RunResult<W> {
        let program = self.program
        var run = DirectRun(program, id: program.ids.next(), context: context)
        let outcome: RunOutcome?
        if let timeout = program.timeout {
            (run, outcome) = await Self.drive(run, within: timeout.duration)
        } else {
            outcome = await run.drive()
        }
        return try Self.result(of: run, outcome)
    }

    /// Runs the workflow once for each context, all at once.
    ///
    /// The runs know nothing of each other: one that fails stops no other. They share the cores; only one that suspends
    /// costs a task of its own, so thousands of short runs cost less here than in a task each. (A workflow or a task
    /// with a timeout has a clock beside it, and that costs tasks as ever.) Cancelling the task cancels every run.
    ///
    /// - Parameters:
    ///   - contexts: what the start state of each run sees.
    ///   - most: how many runs may be under way at once, at least one (default: 100,000); the next one begins when one
    ///     of them has ended. What all of them use at once, such as connections, a `Bulkhead` bounds.
    /// - Returns: how each run ended, in the order of the contexts: its result, or what ``run(_:)`` throws;
    ///   `CancellationError` for a run that had not begun when the task was cancelled.
    @concurrent
    @inlinable
    public func runAll(_ contexts: [W.Context], inFlight most: Int = 100_000) async -> [Result<RunResult<W>, any Error>]
    {
        await DirectCrowd(self, contexts, inFlight: most).run()
    }

    /// Runs the workflow from its start state to its end, and keeps in memory where it is.
    ///
    /// - Parameters:
    ///   - context: what the start state sees.
    ///   - checkpoints: where the run tells where it is.
    /// - Returns: the exit state and the context at the end.
    /// - Throws: `runFailed` when the run ended without success, with the reason: what it did is undone then;
    ///   `CancellationError` when the task was cancelled meanwhile: nothing is undone, and
    ///   ``resume(_:checkpoints:)`` goes on; `limitExceeded` when no more runs may be kept.
    @concurrent
    @inlinable
    public func run(
        _ context: W.Context,
        checkpoints: MemoryCheckpoints<W>
    ) async throws -> RunResult<W> {
        let program = self.program
        var run = DirectRun(program, id: program.ids.next(), context: context)
        try checkpoints.begin(&run)
        return try await Self.drive(run, checkpoints)
    }

    /// Goes on with a run that was interrupted, from the state that it entered last.
    ///
    /// That state's work begins anew, with all its attempts: what the interrupted attempt did is done again, under the
    /// same idempotency key. Of a split that is every branch, over the same items; once they are joined, only the
    /// gathering of their results. Work in steps goes on from its cursor. The total time of a run and the deadline of
    /// a state go on while it is interrupted; attempts and errors are counted anew.
    ///
    /// - Parameters:
    ///   - run: the run.
    ///   - checkpoints: what kept it.
    /// - Returns: the exit state and the context at the end.
    /// - Throws: `unknownRun` when no such run is kept, `wrongState` when it is running; otherwise what
    ///   ``run(_:checkpoints:)`` throws.
    @concurrent
    @inlinable
    public func resume(_ run: RunID, checkpoints: MemoryCheckpoints<W>) async throws -> RunResult<W> {
        var run = try checkpoints.resume(run)
        run.program = self.program
        return try await Self.drive(run, checkpoints)
    }

    @inlinable
    static func drive(_ run: DirectRun<W>, _ checkpoints: MemoryCheckpoints<W>) async throws -> RunResult<W> {
        var run = run
        let outcome: RunOutcome?
        if let timeout = run.program.timeout, let began = run.journal?.began {
            let left = timeout.duration - began.duration(to: .now)
            if left > .zero || run.isAtExit {
                (run, outcome) = await Self.drive(run, within: left)
            } else {
                outcome = await run.timeOut()
            }
        } else {
            outcome = await run.drive()
        }
        if outcome == nil { run.journal?.park(run) } else { checkpoints.ended(run.id) }
        return try Self.result(of: run, outcome)
    }

    @inlinable
    static func result(of run: DirectRun<W>, _ outcome: RunOutcome?) throws -> RunResult<W> {
        guard let outcome else { throw CancellationError() }
        if let error = CanoError(outcome, of: run.id) { throw error }
        return RunResult(state: run.program.states[run.state].state, context: run.context)
    }

    /// Drives a run that has a total time.
    @usableFromInline
    static func drive(_ run: DirectRun<W>, within timeout: Duration) async -> (DirectRun<W>, RunOutcome?) {
        let ending = Guarded<Ending?>(nil)
        return await withTaskGroup(of: (DirectRun<W>, RunOutcome?)?.self) { group in
            group.addTask {
                var run = run
                run.stopReason = ending
                let outcome = await run.drive()
                return (run, outcome)
            }
            group.addTask {
                do { try await Task.sleep(for: timeout) } catch { return nil }
                ending.withLock { $0 = .timedOut }
                return nil
            }
            var end: (DirectRun<W>, RunOutcome?)?
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
        try await InMemoryRunner(self, limits: Limits(), logger: Logger(label: "cano"), copies: 1).run(context)
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
            let note = outcome.note ?? "for an unknown reason"
            // In one piece of memory: a string that grows is copied, and every run that fails makes one.
            var message = "run "
            message.reserveCapacity(64 + note.utf8.count)
            message += "\(run) failed: "
            message += note
            self.init(.runFailed, message)
        }
    }
}

extension Logger {
    /// The same logger, with nothing that another one counts references to.
    fileprivate var unshared: Logger {
        var copy = self
        // A logger is copied when it is changed.
        copy[metadataKey: "cano.run"] = ""
        copy[metadataKey: "cano.run"] = self[metadataKey: "cano.run"]
        return copy
    }
}
