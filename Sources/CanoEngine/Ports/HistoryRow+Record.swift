// SPDX-License-Identifier: Apache-2.0 OR MIT

extension HistoryRow {
    /// The row of a record.
    public init(_ record: Record, run: RunID, seq: Int, at: Instant) {
        self.init(run: run, seq: seq, kind: record.kind, at: at)
        switch record {
        case .started(let entry), .entered(let entry):
            self.set(entry)
        case .expanded(let expansion):
            self.path = WorkPath.expand.description
            self.set(expansion.cause)
            self.due = expansion.due
            self.payload = Payload(bytes: PayloadList.encode(expansion.items), type: .binary)
        case .branchDone(let index, let result, let attempt):
            self.path = WorkPath.branch(index).description
            self.set(attempt)
            self.set(result)
        case .joined(let decision, let settleBy):
            self.due = settleBy
            switch decision {
            case .satisfied: self.reason = Word.satisfied
            case .failed(let failure): self.set(failure)
            }
        case .attemptFailed(let path, let attempt, let failure, let retryAt):
            self.path = path.description
            self.set(attempt)
            self.set(failure)
            self.due = retryAt
        case .attemptsLost(let lost, let reason, let retryAt):
            self.set(lost)
            self.reason = reason.rawValue
            self.due = retryAt
        case .attemptHeld(let path, let attempt):
            self.path = path.description
            self.set(attempt)
        case .stepCursor(let path, let attempt, let cursor), .checkpoint(let path, let attempt, let cursor):
            self.path = path.description
            self.set(attempt)
            self.due = cursor.resumeAt
            self.payload = cursor.payload
            self.split = cursor.replaces.map { $0...$0 }
            self.number = cursor.removed == 0 ? nil : Int64(cursor.removed)
        case .sagaPushed(let push):
            self.state = push.state
            self.visit = push.visit
            self.path = push.path.description
            self.set(push.cause)
            self.payload = push.output
        case .compensating(let ending):
            self.set(ending)
        case .compensated(let entry, let attempt, let failure):
            self.path = WorkPath.undo(seq: entry).description
            self.number = Int64(entry)
            self.set(attempt)
            if let failure { self.setFinal(failure) }
        case .cancelRequested(let ending, let settleBy):
            self.set(ending)
            self.due = settleBy
        case .finished(let outcome, let finish):
            self.set(finish)
            self.set(outcome)
        case .signalled(let signal):
            self.set(signal)
        case .childStarted(let start):
            self.set(start)
            self.set(start.cause)
        case .childEnded(let result):
            self.setChild(result.run, context: result.context)
            self.set(result.outcome)
        case .intervened(let path, let verb, let by, let note):
            self.path = path.description
            self.set(verb, by: by, note: note)
        case .migrated(let entry, let migration):
            self.set(entry)
            self.set(migration)
        }
    }

    /// The fixed words of the column `reason`.
    ///
    /// They are stored: none may ever change.
    enum Word {
        static let satisfied = "satisfied"
        static let gathering = "gathering"
        static let succeeded = "succeeded"
        static let cancelled = "cancelled"
        static let timedOut = "timedOut"
        static let signal = "signal"
        static let child = "child"
        /// Where `number` is taken: a failure that no other attempt could mend.
        static let failed = "failed:"
        /// Where `number` is taken: a failure that was retryable, but nobody tries it again.
        static let gaveUp = "gaveUp:"
    }

    private mutating func set(_ entry: Record.Entry) {
        self.state = entry.state
        self.visit = entry.visit
        self.set(entry.cause)
        self.due = entry.due
        self.split = entry.split
        if entry.split != nil { self.number = Int64(entry.branchCount) }
        self.set(arrival: entry.arrival, signals: entry.signals)
        if entry.isGathering { self.reason = Word.gathering }
        self.payload = entry.context
    }

    private mutating func set(_ attempt: Record.Attempt?) {
        guard let attempt else { return }
        self.attempt = attempt.number
        self.token = attempt.token
        self.worker = attempt.worker?.rawValue
        self.startedAt = attempt.startedAt
    }

    /// A failure whose two flags have the column `number` to themselves.
    private mutating func set(_ failure: Failure) {
        self.reason = failure.code
        self.detail = failure.message
        self.number = (failure.isRetryable ? 1 : 0) | (failure.leavesDoubt ? 2 : 0)
    }

    /// A failure in a record whose `number` means something else: the flag becomes a word before the code.
    private mutating func setFinal(_ failure: Failure) {
        self.reason = (failure.isRetryable ? Word.gaveUp : Word.failed) + failure.code
        self.detail = failure.message
    }

    private mutating func set(_ result: BranchOutcome) {
        switch result {
        case .success(let output): self.payload = output
        case .failure(let failure): self.set(failure)
        case .cancelled: self.reason = Word.cancelled
        }
    }

    private mutating func set(_ ending: Ending) {
        switch ending {
        case .failed(let failure):
            self.set(failure)
        case .cancelled(let by):
            self.reason = Word.cancelled
            self.detail = by
        case .timedOut:
            self.reason = Word.timedOut
        }
    }

    private mutating func set(_ finish: Record.Finish) {
        self.state = finish.state
        self.visit = finish.visit
        self.set(finish.cause)
        self.number = Int64(finish.notUndone)
        self.payload = finish.context
    }

    private mutating func set(_ outcome: RunOutcome) {
        switch outcome {
        case .succeeded:
            self.reason = Word.succeeded
        case .failed(let failure):
            self.setFinal(failure)
        case .cancelled(let by):
            self.reason = Word.cancelled
            self.detail = by
        case .timedOut:
            self.reason = Word.timedOut
        }
    }

    /// One lost attempt has the columns to itself; several share a compact form in `payload`, and the columns then
    /// say what they have in common.
    private mutating func set(_ lost: [Record.LostAttempt]) {
        if let only = lost.first, lost.count == 1 {
            self.path = only.path.description
            self.set(only.attempt)
            return
        }
        self.path = LostAttempts.paths(of: lost)
        self.payload = Payload(bytes: LostAttempts.encode(lost), type: .binary)
        guard let first = lost.first?.attempt else { return }
        if lost.allSatisfy({ $0.attempt.number == first.number }) { self.attempt = first.number }
        if lost.allSatisfy({ $0.attempt.worker == first.worker }) { self.worker = first.worker?.rawValue }
        if lost.allSatisfy({ $0.attempt.startedAt == first.startedAt }) { self.startedAt = first.startedAt }
    }
}

extension Record {
    /// The kind of row that keeps it.
    public var kind: HistoryRow.Kind {
        switch self {
        case .started: .started
        case .entered: .entered
        case .expanded: .expanded
        case .branchDone: .branchDone
        case .joined: .joined
        case .attemptFailed: .attemptFailed
        case .attemptsLost: .attemptLost
        case .attemptHeld: .attemptHeld
        case .sagaPushed: .sagaPushed
        case .compensating: .compensating
        case .compensated: .compensated
        case .cancelRequested: .cancelRequested
        case .finished: .finished
        case .signalled: .signalled
        case .childStarted: .childStarted
        case .childEnded: .childEnded
        case .intervened: .intervened
        case .migrated: .migrated
        case .stepCursor: .stepCursor
        case .checkpoint: .checkpoint
        }
    }
}
