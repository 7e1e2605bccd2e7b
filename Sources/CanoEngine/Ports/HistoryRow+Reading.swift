// SPDX-License-Identifier: Apache-2.0 OR MIT

extension HistoryRow {
    /// The record that this row keeps.
    ///
    /// Throws `storeCorrupt`, naming the run, the row and the column, when no version of Cano can have written it.
    public func record() throws(CanoError) -> Record {
        switch self.kind {
        case .started: return .started(try self.entry())
        case .entered: return .entered(try self.entry())
        case .expanded:
            guard let items = PayloadList.decode(try self.bytes()) else { throw self.corrupt("payload") }
            return .expanded(Record.Expansion(items: items, cause: self.anyAttempt, due: self.due))
        case .branchDone:
            guard case .branch(let index) = try self.work() else { throw self.corrupt("path") }
            return .branchDone(index: index, try self.branchResult(), self.anyAttempt)
        case .joined:
            if self.number != nil { return .joined(.failed(try self.failure()), settleBy: self.due) }
            guard self.reason == Word.satisfied else { throw self.corrupt("reason") }
            return .joined(.satisfied, settleBy: self.due)
        case .attemptFailed:
            return .attemptFailed(try self.work(), self.anyAttempt, try self.failure(), retryAt: self.due)
        case .attemptLost:
            guard let reason = self.reason.flatMap(LossReason.init(rawValue:)) else { throw self.corrupt("reason") }
            return .attemptsLost(try self.lostAttempts(), reason, retryAt: self.due)
        case .attemptHeld:
            return .attemptHeld(try self.work(), self.anyAttempt)
        case .stepCursor:
            return .stepCursor(try self.work(), self.anyAttempt, self.cursor)
        case .checkpoint:
            return .checkpoint(try self.work(), self.anyAttempt, self.cursor)
        case .sagaPushed:
            guard let state = self.state else { throw self.corrupt("state") }
            return .sagaPushed(
                Record.SagaPush(
                    state: state,
                    visit: self.visit,
                    path: try self.work(),
                    output: self.payload,
                    cause: self.knownAttempt
                )
            )
        case .compensating:
            return .compensating(try self.ending())
        case .compensated:
            guard let entry = self.number else { throw self.corrupt("number") }
            let failure = self.reason == nil ? nil : try self.finalFailure()
            return .compensated(entry: Int(entry), self.knownAttempt, failure: failure)
        case .cancelRequested:
            return .cancelRequested(try self.ending(), settleBy: self.due)
        case .finished:
            return .finished(try self.outcome(), try self.finish())
        case .signalled: return .signalled(try self.signal())
        case .childStarted: return .childStarted(try self.childStart(cause: self.anyAttempt))
        case .childEnded:
            let result = ChildResult(run: try self.child(), outcome: try self.outcome(), context: self.payload)
            return .childEnded(result)
        case .intervened: return try self.intervention(on: try self.work())
        case .migrated: return .migrated(try self.entry(), try self.migration())
        }
    }

    func corrupt(_ column: String) -> CanoError {
        CanoError(
            .storeCorrupt,
            "history row \(self.seq) of run \(self.run) (\(self.kind.name)) has an unreadable \(column): "
                + "restore the store from a backup, or use the version of Cano that wrote it"
        )
    }

    /// The attempt, where a record always has one.
    private var anyAttempt: Record.Attempt {
        Record.Attempt(
            number: self.attempt,
            token: self.token,
            worker: self.worker.map(WorkerID.init(rawValue:)),
            startedAt: self.startedAt
        )
    }

    /// The attempt, where a record may have none; attempts count from 1.
    private var knownAttempt: Record.Attempt? {
        self.attempt == 0 ? nil : self.anyAttempt
    }

    private var cursor: Record.Cursor {
        Record.Cursor(
            self.payload,
            resumeAt: self.due,
            replaces: self.split?.lowerBound,
            removed: Int(self.number ?? 0)
        )
    }

    private func bytes() throws(CanoError) -> [UInt8] {
        guard let payload = self.payload else { throw self.corrupt("payload") }
        return payload.bytes
    }

    private func work() throws(CanoError) -> WorkPath {
        guard let path = self.path.flatMap(WorkPath.init) else { throw self.corrupt("path") }
        return path
    }

    private func entry() throws(CanoError) -> Record.Entry {
        guard let state = self.state else { throw self.corrupt("state") }
        guard let context = self.payload else { throw self.corrupt("payload") }
        var entry = Record.Entry(
            state: state,
            visit: self.visit,
            context: context,
            cause: self.knownAttempt,
            due: self.due,
            split: self.split,
            branchCount: self.split == nil ? 0 : Int(self.number ?? 0),
            isGathering: self.reason == Word.gathering
        )
        try self.readArrival(into: &entry)
        return entry
    }

    private func failure() throws(CanoError) -> Failure {
        guard let code = self.reason else { throw self.corrupt("reason") }
        guard let message = self.detail else { throw self.corrupt("detail") }
        guard let flags = self.number, (0...3).contains(flags) else { throw self.corrupt("number") }
        return Failure(code: code, message: message, isRetryable: flags & 1 != 0, leavesDoubt: flags & 2 != 0)
    }

    private func finalFailure() throws(CanoError) -> Failure {
        guard let message = self.detail else { throw self.corrupt("detail") }
        for (word, isRetryable) in [(Word.failed, false), (Word.gaveUp, true)] {
            if let reason = self.reason, reason.hasPrefix(word) {
                return Failure(code: String(reason.dropFirst(word.count)), message: message, isRetryable: isRetryable)
            }
        }
        throw self.corrupt("reason")
    }

    private func branchResult() throws(CanoError) -> BranchOutcome {
        if let output = self.payload { return .success(output) }
        if self.number != nil { return .failure(try self.failure()) }
        guard self.reason == Word.cancelled else { throw self.corrupt("reason") }
        return .cancelled
    }

    private func ending() throws(CanoError) -> Ending {
        if self.number != nil { return .failed(try self.failure()) }
        switch self.reason {
        case Word.cancelled:
            guard let by = self.detail else { throw self.corrupt("detail") }
            return .cancelled(by: by)
        case Word.timedOut:
            return .timedOut
        default:
            throw self.corrupt("reason")
        }
    }

    private func outcome() throws(CanoError) -> RunOutcome {
        switch self.reason {
        case Word.succeeded:
            return .succeeded
        case Word.cancelled:
            guard let by = self.detail else { throw self.corrupt("detail") }
            return .cancelled(by: by)
        case Word.timedOut:
            return .timedOut
        default:
            return .failed(try self.finalFailure())
        }
    }

    private func finish() throws(CanoError) -> Record.Finish {
        guard let context = self.payload else { throw self.corrupt("payload") }
        guard let notUndone = self.number else { throw self.corrupt("number") }
        return Record.Finish(
            state: self.state,
            visit: self.visit,
            context: context,
            cause: self.knownAttempt,
            notUndone: Int(notUndone)
        )
    }

    private func lostAttempts() throws(CanoError) -> [Record.LostAttempt] {
        guard let payload = self.payload else {
            return [Record.LostAttempt(path: try self.work(), attempt: self.anyAttempt)]
        }
        guard let lost = LostAttempts.decode(payload.bytes) else { throw self.corrupt("payload") }
        return lost
    }
}
