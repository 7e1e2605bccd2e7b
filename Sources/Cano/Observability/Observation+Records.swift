// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension Observation {
    /// Where a run is while its records are told one after the other.
    private struct Place {
        let decided: DecidedRun
        var state: String
        var visit: Int
        var seq: Int

        init(_ decided: DecidedRun) {
            self.decided = decided
            self.state = decided.plan.states[decided.state].name
            self.visit = decided.visit
            self.seq = decided.firstSeq
        }

        func event(_ kind: RunEvent.Kind) -> RunEvent {
            RunEvent(
                run: self.decided.run,
                definition: self.decided.plan.key,
                state: self.state,
                visit: self.visit,
                seq: self.seq,
                at: self.decided.at,
                kind: kind,
                trace: self.decided.trace
            )
        }

        func attempt(_ path: WorkPath, _ attempt: Record.Attempt) -> RunEvent.Attempt {
            let index = self.decided.plan.index(of: self.state)
            return RunEvent.Attempt(
                path: path,
                task: index.flatMap { self.decided.plan.task(path, in: $0)?.name } ?? self.state,
                number: attempt.number,
                worker: attempt.worker,
                startedAt: attempt.startedAt
            )
        }

        /// Whether the state is a timer.
        var isTimer: Bool {
            guard let index = self.decided.plan.index(of: self.state) else { return false }
            if case .timer = self.decided.plan.states[index].step { return true }
            return false
        }
    }

    /// Tells the records of one decision, in order.
    mutating func tell(_ decided: DecidedRun) {
        var place = Place(decided)
        for record in decided.records {
            self.tell(record, at: &place)
            place.seq += 1
        }
    }

    private mutating func tell(_ record: Record, at place: inout Place) {
        switch record {
        case .started(let entry):
            (place.state, place.visit) = (entry.state, entry.visit)
            self.emit(place.event(.started))
            self.entered(entry, at: place)
        case .entered(let entry):
            self.succeeded(entry.cause, at: place)
            if place.isTimer { self.emit(place.event(.timerFired)) }
            (place.state, place.visit) = (entry.state, entry.visit)
            self.entered(entry, at: place)
        case .expanded(let expansion):
            self.succeeded(expansion.cause, at: place)
            self.emit(place.event(.expanded(branches: expansion.items.count)))
        case .branchDone(let index, let outcome, let attempt):
            self.branchEnded(index, outcome, attempt, at: place)
        case .joined(let decision, _):
            self.emit(place.event(.joined(decision)))
        case .attemptFailed(let path, let attempt, let failure, let retryAt):
            let (event, described) = self.describe(path, attempt, at: place)
            self.end(place.decided.run, attempt.token, .failed(failure), seq: place.seq, at: place.decided.at)
            if let retryAt { self.emit(event, .retrying(described, at: retryAt)) }
        case .attemptsLost(let lost, let reason, let retryAt):
            for one in lost { self.lost(one, reason, retryAt: retryAt, at: place) }
        case .attemptHeld(let path, let attempt):
            let (event, described) = self.describe(path, attempt, at: place)
            self.emit(event, .attemptHeld(described))
        case .sagaPushed(let push):
            self.succeeded(push.cause, at: place)
            var event = place.event(.pushed(push.path, isKnown: push.output != nil))
            (event.state, event.visit) = (push.state, push.visit)
            self.emit(event)
        case .compensating(let ending):
            self.emit(place.event(.compensating(ending)))
        case .compensated(let entry, let attempt, let failure):
            if failure == nil { self.succeeded(attempt, at: place) }
            self.emit(place.event(.compensated(entry: entry, failure)))
        case .cancelRequested(let ending, _):
            self.emit(place.event(.ending(ending)))
        case .finished(let outcome, let finish):
            self.finished(outcome, finish, at: &place)
        }
    }

    private mutating func entered(_ entry: Record.Entry, at place: Place) {
        self.emit(place.event(.entered))
        if place.isTimer, let due = entry.due { self.emit(place.event(.timerSet(due: due))) }
    }

    private mutating func succeeded(_ attempt: Record.Attempt?, at place: Place) {
        self.end(place.decided.run, attempt?.token, .succeeded, seq: place.seq, at: place.decided.at)
    }

    private mutating func branchEnded(
        _ index: Int,
        _ outcome: BranchOutcome,
        _ attempt: Record.Attempt,
        at place: Place
    ) {
        switch outcome {
        case .success:
            self.succeeded(attempt, at: place)
            self.emit(place.event(.branchEnded(index: index, .succeeded)))
        case .failure(let failure): self.emit(place.event(.branchEnded(index: index, .failed(failure))))
        case .cancelled: self.emit(place.event(.branchEnded(index: index, .cancelled)))
        }
    }

    private mutating func lost(
        _ lost: Record.LostAttempt,
        _ reason: LossReason,
        retryAt: Instant?,
        at place: Place
    ) {
        let (event, attempt) = self.describe(lost.path, lost.attempt, at: place)
        let run = place.decided.run
        if !self.end(run, lost.attempt.token, .lost(reason), seq: place.seq, at: place.decided.at) {
            self.emit(event, .attemptOrphaned(attempt, reason))
        }
        switch reason {
        case .abandoned: break  // nobody wants it any more
        case .timeout, .unusable:
            if let retryAt { self.emit(event, .retrying(attempt, at: retryAt)) }
        case .workerGone, .workerMute, .unstarted, .owner, .released:
            self.emit(event, .retrying(attempt, at: retryAt))
        }
    }

    /// An attempt as its beginning told it; otherwise as the record and the definition tell it.
    private func describe(
        _ path: WorkPath,
        _ attempt: Record.Attempt,
        at place: Place
    ) -> (RunEvent, RunEvent.Attempt) {
        let described = place.attempt(path, attempt)
        var event = place.event(.attemptHeld(described))
        guard let open = self.open(place.decided.run, attempt.token) else { return (event, described) }
        (event.state, event.visit) = (open.event.state, open.event.visit)
        return (event, open.attempt)
    }

    private func emit(_ event: RunEvent, _ kind: RunEvent.Kind) {
        var event = event
        event.kind = kind
        self.emit(event)
    }

    private mutating func finished(_ outcome: RunOutcome, _ finish: Record.Finish, at place: inout Place) {
        self.succeeded(finish.cause, at: place)
        if let state = finish.state, finish.visit > place.visit {
            // An exit of success has no record of its own.
            if place.isTimer { self.emit(place.event(.timerFired)) }
            (place.state, place.visit) = (state, finish.visit)
            self.emit(place.event(.entered))
        }
        let milliseconds = place.decided.at.milliseconds(since: place.decided.startedAt)
        let span = Span(milliseconds: milliseconds)
        self.emit(place.event(.finished(outcome, after: span, notUndone: finish.notUndone)))
    }
}
