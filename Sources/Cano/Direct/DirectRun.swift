// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine
internal import Logging

/// One run without a store: it drives itself from state to state, and back when it must.
///
/// What it decides comes from where the reducer `Run` has it, too: pauses from ``RetryPolicy``, joins from
/// ``JoinTally``, doubts from ``LossReason``. A conformance test compares both on every shape.
@usableFromInline
struct DirectRun<W: Workflow>: Sendable {
    @usableFromInline var program: DirectProgram<W>
    @usableFromInline let id: RunID
    /// Where it is.
    @usableFromInline var state: Int
    @usableFromInline var visit = 1
    @usableFromInline var context: W.Context
    /// The items of the split that was interrupted here, or the cursor of work in steps.
    @usableFromInline var kept: (any Sendable)?
    /// When the time of the state's work is up; `nil` before it has begun, and where it has no bound.
    @usableFromInline var due: ContinuousClock.Instant?
    /// Whether the branches of the state are done, and its task gathers their results.
    @usableFromInline var isGathering = false
    /// The results of the split that led here.
    @usableFromInline var joined: JoinedBranches?
    /// What is undone should it fail, in the order in which it was pushed.
    @usableFromInline var undos: [DirectUndo] = []
    /// Why its task was cancelled, when that was not the doing of whoever called it.
    @usableFromInline var stopReason: Guarded<Ending?>?
    /// Where it tells where it is; then it is interrupted, not undone, when its task is cancelled.
    @usableFromInline var journal: DirectJournal<W>?
    /// Whether that happened.
    @usableFromInline var isInterrupted = false
    /// Whether an attempt at the state's work may have done something that nobody knows of.
    @usableFromInline var isInDoubt = false

    @inlinable
    init(_ program: DirectProgram<W>, id: RunID, context: W.Context) {
        self.program = program
        self.id = id
        self.state = program.start
        self.context = context
    }

    /// Runs to the end; `nil` when it was interrupted before.
    @inlinable
    mutating func drive() async -> RunOutcome? {
        while !self.isInterrupted {
            let state = self.program.states[self.state]
            var ending: Ending?
            switch state.code {
            case .work(let work):
                guard state.isPlain else {
                    ending = await self.perform(work, in: state, after: nil)
                    break
                }
                do {
                    var value = self.context
                    let end = try await work(&value, self.joined, self.task(in: state, attempt: 1, due: nil))
                    ending = self.accept(value, end, of: state)
                } catch {
                    ending = await self.perform(work, in: state, after: error)
                }
            case .split(let split):
                ending = await self.perform(split, in: state)
            case .gathered, .repeated:
                ending = await self.performOther(in: state)
            case .none:
                switch state.step {
                case .exit(.success): return .succeeded
                case .exit(.failure): ending = self.failure(at: state)
                case .timer(let span, _): ending = await self.wait(span, in: state)
                case .task, .router, .split, .wait, .child: fatalError("state '\(state.name)' has no code")
                }
            }
            guard let ending else { continue }
            // An interrupted run does it again: only when that fails must a doubt be undone.
            if self.interrupts() { break }
            return await self.turnBack(ending, in: state)
        }
        return nil
    }

    /// The shapes for which it is worth no room in the frame of ``drive()``.
    @usableFromInline
    mutating func performOther(in state: DirectProgram<W>.State) async -> Ending? {
        switch state.code {
        case .gathered(let split, _) where !self.isGathering: await self.perform(split, in: state)
        case .gathered(_, let work): await self.perform(work, in: state, after: nil)
        case .repeated(let work): await self.perform(work, in: state)
        case .work, .split, .none: fatalError("state '\(state.name)' is driven elsewhere")
        }
    }

    // MARK: Forward

    @inlinable
    func task(
        in state: DirectProgram<W>.State,
        attempt: Int,
        due: Duration?
    ) -> TaskContext {
        TaskContext(
            run: self.id,
            state: state.name,
            visit: self.visit,
            attempt: attempt,
            work: .does(.step),
            due: due,
            logger: self.program.logger
        )
    }

    @inlinable
    mutating func move(to state: Int) {
        self.state = state
        self.visit += 1
        if let journal = self.journal {
            journal.save(state: state, visit: self.visit, self.context)
        }
    }

    /// Takes the outcome of a state's own work; returns why the run ends, if it must.
    @inlinable
    mutating func accept(_ context: W.Context, _ end: DirectEnd, of state: DirectProgram<W>.State) -> Ending? {
        self.isInDoubt = false
        if let undo = end.undo { self.push(state.undoing, undo) }
        // Nobody wants an outcome that came after the end of the run was asked for, unless it can be undone.
        if Task.isCancelled, !self.interrupts() { return self.reason }
        self.context = context
        self.joined = nil
        self.isGathering = false
        self.move(to: state.next[end.next])
        return nil
    }

    /// The attempts at a state's own work, apart from a first one that may have been made.
    @usableFromInline
    mutating func perform(
        _ work: @escaping DirectCode<W>.Work,
        in state: DirectProgram<W>.State,
        after first: (any Error)?
    ) async -> Ending? {
        guard state.task?.within == nil else { return await self.performInTime(work, in: state) }
        var attempts = self.attempts(in: state)
        let first = first.map { state.refused($0, self.program.failures) }
        let ending: Ending
        switch await attempts.run(after: first, self.attempt(at: work, in: state)) {
        case .done((let context, let end)): return self.accept(context, end, of: state)
        case .failed(let failure): ending = Task.isCancelled ? self.reason : .failed(failure)
        case .stopped: ending = self.reason
        }
        self.isInDoubt = self.isInDoubt || attempts.isInDoubt
        return ending
    }

    private mutating func performInTime(
        _ work: @escaping DirectCode<W>.Work,
        in state: DirectProgram<W>.State
    ) async -> Ending? {
        guard let time = self.time(in: state) else { return .failed(state.overdue) }
        let run = self
        let (word, isLate) = await DirectDeadline.hold(time) {
            var attempts = run.attempts(in: state)
            let end = await attempts.run(run.attempt(at: work, in: state))
            return DirectTurnsEnd(end, isInDoubt: attempts.isInDoubt)
        }
        return self.take(word, isLate: isLate, from: state)
    }

    private func attempts(in state: DirectProgram<W>.State) -> DirectAttempts {
        let task = Self.task(of: state)
        return DirectAttempts(
            retry: task.retry,
            timeout: task.timeout,
            isUndoable: task.undo != nil,
            failures: self.program.failures,
            seed: self.seed
        )
    }

    private func attempt(
        at work: @escaping DirectCode<W>.Work,
        in state: DirectProgram<W>.State
    ) -> @Sendable (Int, Duration?) async throws -> (W.Context, DirectEnd) {
        { attempt, due in
            var value = self.context
            do {
                let end = try await work(&value, self.joined, self.task(in: state, attempt: attempt, due: due))
                return (value, end)
            } catch { throw state.refused(error, self.program.failures) }
        }
    }

    /// Work that takes several attempts.
    @usableFromInline
    mutating func perform(
        _ work: @escaping DirectCode<W>.Repeated,
        in state: DirectProgram<W>.State
    ) async -> Ending? {
        let task = Self.task(of: state)
        let time = self.time(in: state)
        if task.within != nil, time == nil { return .failed(state.overdue) }
        let (run, failures) = (self, self.program.failures)
        let turns = DirectTurns(
            task: task,
            failures: failures,
            seed: run.seed,
            context: { run.task(in: state, attempt: $0, due: $1) },
            refused: { state.refused($0, failures) },
            cursor: run.kept
        )
        let (word, isLate) = await DirectDeadline.hold(time) { await work(run.context, turns) }
        return self.take(word, isLate: isLate, from: state)
    }

    /// How much time there is for the state's work, which began when it was entered; `nil` when it is up, or when there
    /// is no bound.
    private mutating func time(in state: DirectProgram<W>.State) -> Duration? {
        guard let within = state.task?.within else { return nil }
        let due = self.due ?? .now.advanced(by: within.duration)
        self.due = due
        let left = ContinuousClock.now.duration(to: due)
        return left > .zero ? left : nil
    }

    private static func task(of state: DirectProgram<W>.State) -> TaskDefinition {
        guard let task = state.task else { fatalError("state '\(state.name)' has code, but no task") }
        return task
    }

    /// Takes what came of all attempts at a state's own work, which may have come too late.
    private mutating func take(
        _ word: DirectTurnsEnd<W.Context>,
        isLate: Bool,
        from state: DirectProgram<W>.State
    ) -> Ending? {
        self.isInDoubt = self.isInDoubt || word.isInDoubt
        self.kept = word.cursor
        switch word.end {
        case .done((_, let end)) where isLate:
            if let undo = end.undo { self.push(state.undoing, undo) }
            self.isInDoubt = false
        case .done((let context, let end)):
            self.due = nil
            return self.accept(context, end, of: state)
        case .failed(let failure) where !isLate && !Task.isCancelled: return .failed(failure)
        case .failed, .stopped: break
        }
        // The first reason counts: whoever cancels a run whose time is up already changes nothing.
        return isLate ? .failed(state.overdue) : self.reason
    }

    @usableFromInline
    mutating func perform(_ split: DirectCode<W>.Split, in state: DirectProgram<W>.State) async -> Ending? {
        guard let definition = state.split else { fatalError("'\(state.name)' is no split") }
        let scope = DirectSplitRun(
            split: definition,
            run: self.id,
            visit: self.visit,
            logger: self.program.logger,
            seed: self.seed,
            items: self.kept
        )
        let end = await split(self.context, scope)
        self.kept = end.items
        self.pushBranches(end.undos)
        switch end.result {
        case .joined(let results):
            if Task.isCancelled, !self.interrupts() { return self.reason }
            self.joined = results
            if state.task == nil { self.move(to: state.next[0]) } else { self.gather(in: state) }
            return nil
        case .failed(let failure): return Task.isCancelled ? self.reason : .failed(failure)
        case .stopped: return self.reason
        }
    }

    /// Enters the state once more, now for the task that gets the results of its branches.
    private mutating func gather(in state: DirectProgram<W>.State) {
        self.isGathering = true
        self.move(to: self.state)
    }

    /// The run reached an exit of failure.
    @usableFromInline
    func failure(at exit: DirectProgram<W>.State) -> Ending { .failed(.exit(exit.name)) }

    @usableFromInline
    mutating func wait(_ span: Span, in state: DirectProgram<W>.State) async -> Ending? {
        do { try await Task.sleep(for: span.duration) } catch { return self.reason }
        self.joined = nil
        self.move(to: state.next[0])
        return nil
    }

    // MARK: Back

    /// Why the run ends whose task was cancelled.
    @usableFromInline var reason: Ending { self.stopReason?.withLock { $0 } ?? .cancelled(by: "its task") }

    /// Whether the run stays as it is from here on, because whoever called it cancelled its task.
    @inlinable
    mutating func interrupts() -> Bool { self.journal != nil && Task.isCancelled && self.checkInterruption() }

    @usableFromInline
    mutating func checkInterruption() -> Bool {
        // Decided once: its time may be up while it looks.
        if self.stopReason?.withLock({ $0 }) == nil { self.isInterrupted = true }
        return self.isInterrupted
    }

    private var seed: UInt64 { self.id.low ^ UInt64(truncatingIfNeeded: self.visit) }

    /// A split that began anew is undone once, branch by branch: by the newest undo that knows what was done.
    private mutating func pushBranches(_ undos: [DirectUndo]) {
        var known: [WorkPath: DirectUndo] = [:]
        for undo in self.undos where undo.visit == self.visit { known[undo.path] = undo }
        guard !known.isEmpty, !undos.isEmpty else { return self.undos += undos }
        let newest = undos.map { undo in undo.isUnknown ? known[undo.path] ?? undo : undo }
        let redone = Set(newest.map(\.path))
        self.undos.removeAll { $0.visit == self.visit && redone.contains($0.path) }
        self.undos += newest
    }

    @inlinable
    mutating func push(_ undoing: DirectUndoing?, _ code: @escaping BoundUndo) {
        guard let undoing else { fatalError("a state pushed an undo that it does not have") }
        if self.undos.isEmpty { self.undos.reserveCapacity(min(self.program.states.count, 16)) }
        self.undos.append(DirectUndo(of: undoing, visit: self.visit, path: .step, code: code))
    }

    /// Whether it has entered its last state.
    @usableFromInline var isAtExit: Bool {
        if case .exit = self.program.states[self.state].step { true } else { false }
    }

    /// Ends a run whose total time was over before it could go on.
    @usableFromInline
    mutating func timeOut() async -> RunOutcome {
        await self.turnBack(.timedOut, in: self.program.states[self.state])
    }

    /// Undoes what was done, and what may have been done in this state.
    @usableFromInline
    mutating func turnBack(_ ending: Ending, in state: DirectProgram<W>.State) async -> RunOutcome {
        if self.isInDoubt, let undo = state.doubt { self.push(state.undoing, undo) }
        return await self.rollBack(ending)
    }

    /// Undoes what was pushed, the newest first, whatever becomes of the task meanwhile.
    private func rollBack(_ ending: Ending) async -> RunOutcome {
        if !self.undos.isEmpty {
            let program = self.program
            await DirectRollback(run: self.id, undos: self.undos, failures: program.failures, logger: program.logger)
                .run(seed: self.seed)
        }
        return ending.outcome
    }
}
