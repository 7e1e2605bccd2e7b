// SPDX-License-Identifier: Apache-2.0 OR MIT

public import Cano

/// Something that a test expected and that was otherwise.
public struct ExpectationFailure: Error, CustomStringConvertible {
    /// What was expected, and what was heard.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension RecordingObserver {
    /// Expects that every run of a workflow, at least one, entered exactly these states.
    ///
    /// - Parameters:
    ///   - workflow: the workflow.
    ///   - path: the states, in order, the exit included.
    /// - Throws: ``ExpectationFailure`` naming the run that went otherwise, and its path.
    public func expectPath<W: Workflow>(of workflow: W.Type, _ path: W.State...) throws {
        let runs = self.runs(of: workflow)
        if runs.isEmpty { throw ExpectationFailure("no run of '\(W.name)' was heard of") }
        for run in runs { try self.expect(path.map(\.rawValue), of: run) }
    }

    /// Expects that a run entered exactly these states.
    ///
    /// - Parameters:
    ///   - run: the run.
    ///   - path: the states, in order, the exit included.
    /// - Throws: ``ExpectationFailure`` with the path that it took.
    public func expectPath(of run: RunID, _ path: any WorkflowState...) throws {
        try self.expect(path.map { $0.rawValue }, of: run)
    }

    private func expect(_ path: [String], of run: RunID) throws {
        let taken = self.path(of: run)
        guard taken != path else { return }
        let words = "\(path.joined(separator: " → ")), but it took \(taken.joined(separator: " → "))"
        throw ExpectationFailure("run \(run) was expected to take \(words)")
    }

    /// Expects that some run entered each state of a workflow.
    ///
    /// - Parameter workflow: the workflow.
    /// - Throws: ``ExpectationFailure`` naming the states that none did.
    public func expectAllStatesEntered<W: Workflow>(of workflow: W.Type) throws {
        let missing = self.statesNeverEntered(of: workflow).map(\.rawValue)
        guard !missing.isEmpty else { return }
        throw ExpectationFailure("no run of '\(W.name)' entered \(missing.joined(separator: ", "))")
    }

    /// Expects that a run ended, and how.
    ///
    /// - Parameters:
    ///   - outcome: the end.
    ///   - run: the run.
    /// - Throws: ``ExpectationFailure`` with the end that it took.
    public func expectOutcome(_ outcome: RunOutcome, of run: RunID) throws {
        for event in self.events(of: run) {
            guard case .finished(let end, _, _) = event.kind else { continue }
            if end == outcome { return }
            throw ExpectationFailure("run \(run) was expected to end as \(outcome), but it ended as \(end)")
        }
        throw ExpectationFailure("run \(run) was expected to end as \(outcome), but it has not ended")
    }

    /// Expects that everything that a run pushed was undone, in exact reverse.
    ///
    /// - Parameter run: the run; its events are those of its whole life.
    /// - Throws: ``ExpectationFailure`` with what was pushed and what was undone.
    public func expectRollback(of run: RunID) throws {
        var pushed: [Int] = []
        var undone: [Int] = []
        for event in self.events(of: run) {
            switch event.kind {
            case .pushed: pushed.append(event.seq)
            case .compensated(let entry, nil): undone.append(entry)
            case .compensated(let entry, let failure?):
                throw ExpectationFailure("run \(run) could not undo \(entry): \(failure.message)")
            default: break
            }
        }
        guard undone != pushed.reversed() else { return }
        throw ExpectationFailure("run \(run) pushed \(pushed), and undid \(undone)")
    }

    /// Expects that every attempt that began has ended, once, and that nothing ended that had not begun.
    ///
    /// Ask it when the runners that are watched have closed.
    ///
    /// - Throws: ``ExpectationFailure`` naming the attempt.
    public func expectBalance() throws {
        var open: [RunID: [RunEvent.Attempt: Int]] = [:]
        for event in self.events {
            switch event.kind {
            case .attemptStarted(let attempt): open[event.run, default: [:]][attempt, default: 0] += 1
            case .attemptEnded(let attempt, _):
                let left = (open[event.run]?[attempt] ?? 0) - 1
                if left < 0 { throw ExpectationFailure("\(attempt) of run \(event.run) ended without having begun") }
                open[event.run]?[attempt] = left
            default: break
            }
        }
        for (run, attempts) in open {
            for (attempt, count) in attempts where count > 0 {
                throw ExpectationFailure("\(attempt) of run \(run) began and never ended")
            }
        }
    }
}
