// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Counts what happens to runs.
struct MetricsObserver: RunObserver {
    let meters: Meters

    func observe(_ event: RunEvent) {
        let (workflow, state) = (event.definition.name, event.state)
        switch event.kind {
        case .started: self.meters.count(.runsStarted, workflow)
        case .resumed: self.meters.count(.runsResumed, workflow)
        case .entered: self.meters.count(.statesEntered, workflow, state)
        case .attemptStarted(let attempt):
            self.meters.count(.attemptsStarted, workflow, state, attempt.path.work)
            self.meters.change(.attemptsRunning, by: 1, workflow)
        case .attemptEnded(let attempt, let end):
            self.meters.count(.attemptsEnded, workflow, state, attempt.path.work, end.word)
            self.meters.change(.attemptsRunning, by: -1, workflow)
            if let start = attempt.startedAt {
                let length = event.at.milliseconds(since: start)
                self.meters.time(.attemptDuration, length, workflow, state, attempt.path.work, end.word)
            }
        case .attemptOrphaned(let attempt, _):
            self.meters.count(.attemptsOrphaned, workflow, state, attempt.path.work)
        case .retrying(let attempt, _): self.meters.count(.retries, workflow, state, attempt.path.work)
        case .expanded(let branches): self.meters.record(.splitBranches, branches, workflow, state)
        case .branchEnded(_, let end): self.meters.count(.branchesEnded, workflow, state, end.word)
        case .joined(let decision): self.meters.count(.joinsDecided, workflow, state, decision.word)
        case .checkpointed: self.meters.count(.checkpoints, workflow, state)
        case .timerFired: self.meters.count(.timersFired, workflow, state)
        case .compensated(_, let failure):
            self.meters.count(.undosEnded, workflow, failure == nil ? "succeeded" : "failed")
        case .blocked: self.meters.count(.runsBlocked, workflow, state)
        case .finished(let outcome, let span, let notUndone):
            let word = RunStatus(outcome).name
            self.meters.count(.runsFinished, workflow, word)
            self.meters.time(.runDuration, span.milliseconds, workflow, word)
            if !outcome.isSuccess {
                self.meters.count(.rollbacksEnded, workflow, notUndone == 0 ? "clean" : "partial")
            }
        case .continuing, .signalled, .childStarted, .childEnded, .intervened, .migrated, .attemptHeld,
            .timerSet, .pushed, .ending, .compensating, .unblocked:
            break  // other events count the same
        }
    }
}

extension WorkPath {
    /// The kind of work, as metrics and spans name it.
    var work: String {
        switch self {
        case .step: "step"
        case .expand: "expand"
        case .branch: "branch"
        case .undo: "undo"
        }
    }
}

extension RunEvent.AttemptEnd {
    /// The end in a word.
    var word: String {
        switch self {
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .lost: "lost"
        case .revoked: "revoked"
        }
    }
}

extension RunEvent.BranchEnd {
    /// The end in a word.
    var word: String {
        switch self {
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .cancelled: "cancelled"
        }
    }
}

extension JoinDecision {
    /// The decision in a word.
    var word: String {
        switch self {
        case .satisfied: "satisfied"
        case .failed: "failed"
        }
    }
}
