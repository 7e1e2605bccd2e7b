// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Records of every kind, the same ones for the same seed.
struct RandomRecords {
    private var random: SplitMix64

    init(seed: UInt64) {
        self.random = SplitMix64(seed: seed)
    }

    mutating func record(of kind: HistoryRow.Kind) -> Record {
        switch kind {
        case .started: return .started(self.entry())
        case .entered: return .entered(self.entry())
        case .expanded:
            let items = (0..<self.number(below: 4)).map { _ in self.payload() }
            return .expanded(Record.Expansion(items: items, cause: self.attempt(), due: self.maybe { $0.instant() }))
        case .branchDone: return .branchDone(index: self.number(below: 200), self.branchResult(), self.attempt())
        case .joined:
            let decision = self.flip() ? JoinDecision.satisfied : .failed(self.failure())
            return .joined(decision, settleBy: self.maybe { $0.instant() })
        case .attemptFailed:
            return .attemptFailed(
                self.path(),
                self.attempt(),
                self.failure(doubtful: true),
                retryAt: self.maybe { $0.instant() }
            )
        case .attemptLost:
            return .attemptsLost(self.lostAttempts(), self.lossReason(), retryAt: self.maybe { $0.instant() })
        case .attemptHeld: return .attemptHeld(self.path(), self.attempt())
        case .stepCursor:
            return .stepCursor(self.path(), self.attempt(), self.cursor())
        case .checkpoint: return .checkpoint(self.path(), self.attempt(), self.cursor())
        case .sagaPushed:
            return .sagaPushed(
                Record.SagaPush(
                    state: self.word(),
                    visit: self.number(below: 9),
                    path: self.path(),
                    output: self.maybe { $0.payload() }
                )
            )
        case .compensating: return .compensating(self.ending())
        case .compensated:
            return .compensated(
                entry: self.number(below: 99),
                self.maybe { $0.attempt() },
                failure: self.maybe { $0.failure() }
            )
        case .cancelRequested: return .cancelRequested(self.ending(), settleBy: self.maybe { $0.instant() })
        case .finished: return .finished(self.outcome(), self.finish())
        case .signalled, .childStarted, .childEnded, .intervened, .migrated: return self.event(of: kind)
        }
    }

    private mutating func event(of kind: HistoryRow.Kind) -> Record {
        switch kind {
        case .childStarted:
            return .childStarted(
                Record.ChildStart(
                    run: self.run(),
                    workflow: self.word(),
                    version: self.maybe { 1 + $0.number(below: 9) },
                    context: self.payload(),
                    cause: self.attempt()
                )
            )
        case .childEnded:
            return .childEnded(
                ChildResult(run: self.run(), outcome: self.outcome(), context: self.maybe { $0.payload() })
            )
        case .intervened:
            let verbs = Intervention.Verb.allCases
            let verb = verbs[self.number(below: verbs.count)]
            return .intervened(self.path(), verb, by: self.word(), note: self.maybe { $0.word() })
        case .migrated:
            let migration = Record.Migration(from: 1 + self.number(below: 9), to: 1 + self.number(below: 9))
            return .migrated(self.entry(), migration)
        default:
            return .signalled(RunSignal(name: self.word(), payload: self.payload(), id: self.maybe { $0.word() }))
        }
    }

    private mutating func run() -> RunID { RunID(high: self.random.next(), low: self.random.next()) }

    private mutating func entry() -> Record.Entry {
        let first = self.number(below: 50)
        var entry = Record.Entry(
            state: self.word(),
            visit: 1 + self.number(below: 9),
            context: self.payload(),
            cause: self.maybe { $0.attempt() },
            due: self.maybe { $0.instant() },
            split: self.maybe { first...first + $0.number(below: 50) }
        )
        if entry.split != nil {
            entry.branchCount = self.number(below: 50)
            entry.isGathering = self.flip()
        } else if self.flip() {
            entry.arrival = self.flip() ? .signal(seq: 1 + first) : .child(seq: 1 + first)
        }
        if self.flip() { entry.signals.kept = (0..<self.number(below: 3)).map { 1 + $0 } }
        if self.flip() { entry.signals.past = (0..<self.number(below: 3)).map { 7 + $0 } }
        return entry
    }

    private mutating func cursor() -> Record.Cursor {
        Record.Cursor(
            self.maybe { $0.payload() },
            resumeAt: self.maybe { $0.instant() },
            replaces: self.maybe { 1 + $0.number(below: 99) },
            removed: self.number(below: 3)
        )
    }

    private mutating func lostAttempts() -> [Record.LostAttempt] {
        let unknown = self.flip()
        return (0..<self.number(below: 6))
            .map { _ in
                Record.LostAttempt(
                    path: self.path(),
                    attempt: unknown ? Record.Attempt(number: 1 + self.number(below: 2)) : self.attempt()
                )
            }
    }

    private mutating func finish() -> Record.Finish {
        Record.Finish(
            state: self.maybe { $0.word() },
            visit: self.number(below: 9),
            context: self.payload(),
            cause: self.maybe { $0.attempt() },
            notUndone: self.number(below: 3)
        )
    }

    private mutating func attempt() -> Record.Attempt {
        Record.Attempt(
            number: 1 + self.number(below: 300),
            token: self.maybe { Token(epoch: Epoch(rawValue: Int64($0.number(below: 70))), counter: .max - 1) },
            worker: self.maybe { WorkerID(rawValue: $0.word()) },
            startedAt: self.maybe { $0.instant() }
        )
    }

    private mutating func failure(doubtful: Bool = false) -> Failure {
        Failure(code: self.word(), message: self.word(), isRetryable: self.flip(), leavesDoubt: doubtful && self.flip())
    }

    private mutating func branchResult() -> BranchOutcome {
        switch self.number(below: 3) {
        case 0: .success(self.payload())
        case 1: .failure(self.failure())
        default: .cancelled
        }
    }

    private mutating func ending() -> Ending {
        switch self.number(below: 3) {
        case 0: .failed(self.failure())
        case 1: .cancelled(by: self.word())
        default: .timedOut
        }
    }

    private mutating func outcome() -> RunOutcome {
        self.flip() ? .succeeded : self.ending().outcome
    }

    private mutating func path() -> WorkPath {
        switch self.number(below: 4) {
        case 0: .step
        case 1: .expand
        case 2: .branch(self.number(below: 4))
        default: .undo(seq: self.number(below: 4))
        }
    }

    private mutating func lossReason() -> LossReason {
        let all: [LossReason] = [.workerGone, .workerMute, .owner, .abandoned, .released, .heartbeatMissed, .hedged]
        return all[self.number(below: all.count)]
    }

    private mutating func payload() -> Payload {
        let types: [Payload.ContentType] = [.binary, .json, .text]
        let bytes = (0..<self.number(below: 5)).map { _ in UInt8(self.number(below: 256)) }
        return Payload(bytes: bytes, type: types[self.number(below: 3)])
    }

    private mutating func instant() -> Instant {
        Instant(microseconds: Int64(bitPattern: self.random.next() >> 8) - 1 << 40)
    }

    private mutating func word() -> String {
        let words = [
            "", "a", "taskFailed", "cancelled", "timedOut", "succeeded", "satisfied", "zwölf\nBoxkämpfer", "😀",
        ]
        return words[self.number(below: words.count)]
    }

    private mutating func maybe<Value>(_ make: (inout Self) -> Value) -> Value? {
        self.flip() ? make(&self) : nil
    }

    private mutating func flip() -> Bool { self.number(below: 2) == 0 }

    private mutating func number(below bound: Int) -> Int { Int(self.random.next() % UInt64(bound)) }
}
