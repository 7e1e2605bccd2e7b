// SPDX-License-Identifier: Apache-2.0 OR MIT

/// One durable fact about a run.
///
/// The history of a run is its records in order, numbered densely from 1.
///
/// Only cursors that newer ones replaced are taken out of it (``Cursor/replaces``).
///
/// A run's state is nothing but its records applied one after the other (``Run/apply(record:)``), so what is resumed
/// is exactly what was decided.
public enum Record: Hashable, Sendable {
    /// The run began: it entered its start state, as visit 1.
    case started(Entry)
    /// The run left a state and entered the next one.
    case entered(Entry)
    /// The items of the current split are known.
    case expanded(Expansion)
    /// A branch of the current split ended for good.
    case branchDone(index: Int, BranchOutcome, Attempt)
    /// The join of the current split is decided; `settleBy` is set when compensatable branches are still awaited.
    case joined(JoinDecision, settleBy: Instant?)
    /// An attempt ended with a failure. Without `retryAt` the work has failed for good.
    case attemptFailed(WorkPath, Attempt, Failure, retryAt: Instant?)
    /// Attempts ended without an outcome. All of these paths may be granted again with the next attempt, at `retryAt`
    /// or at once; only a loss that counts as a failure (``LossReason/failure``) without
    /// `retryAt` means that the work has failed for good.
    case attemptsLost([LostAttempt], LossReason, retryAt: Instant?)
    /// An attempt has been running for a while; written once, so that a new owner waits for it.
    case attemptHeld(WorkPath, Attempt)
    /// Something was done that is undone should the run fail.
    case sagaPushed(SagaPush)
    /// The run turns back: what was pushed is undone, the newest first.
    case compensating(Ending)
    /// One pushed entry was undone, or could not be undone when `failure` is set.
    case compensated(entry: Int, Attempt?, failure: Failure?)
    /// The run is to end before its time; `settleBy` is set when compensatable attempts are still awaited.
    case cancelRequested(Ending, settleBy: Instant?)
    /// The run was told something from outside; it is kept until the run waits for it.
    case signalled(RunSignal)
    /// The child's context is known, and the start of the child is on its way.
    case childStarted(ChildStart)
    /// The child that the run waits for has ended.
    case childEnded(ChildResult)
    /// A person decided about work that could not go on.
    case intervened(WorkPath, Intervention.Verb, by: String, note: String?)
    /// The run goes on under another version of its workflow: it entered the state that stands for the one it was in.
    case migrated(Entry, Migration)
    /// An attempt ended well and left the rest of the work to the next one.
    case stepCursor(WorkPath, Attempt, Cursor)
    /// An attempt goes on, and should it be lost the next one begins from this cursor.
    case checkpoint(WorkPath, Attempt, Cursor)
    /// The run ended; in an exit state, or wherever it was.
    case finished(RunOutcome, Finish)
}

extension Record {
    /// A state entered: where the run is, what led there and the context from here on.
    public struct Entry: Hashable, Sendable {
        /// The state's name.
        public var state: String
        /// The number of the visit, from 1.
        public var visit: Int
        /// The context from here on.
        public var context: Payload
        /// The attempt whose outcome led here; `nil` at the start, after a join and after a timer.
        public var cause: Attempt?
        /// When the state's timer is due, or the time of its task is up; `nil` when the state has neither.
        public var due: Instant?
        /// Where the records of the split lie whose join led here; its results are read from there.
        public var split: ClosedRange<Int>?
        /// How many branches that split had.
        public var branchCount: Int
        /// The record whose content is handed to the state; `nil` when it gets the context alone, or a split's results.
        public var arrival: ArrivalRecord?
        /// The signals that the run knows of from here on.
        public var signals = KnownSignals()
        /// Whether the state is a split that was entered once more, to gather the results of its own branches.
        public var isGathering: Bool

        /// An entry from its parts.
        public init(
            state: String,
            visit: Int,
            context: Payload,
            cause: Attempt? = nil,
            due: Instant? = nil,
            split: ClosedRange<Int>? = nil,
            branchCount: Int = 0,
            isGathering: Bool = false
        ) {
            self.state = state
            self.visit = visit
            self.context = context
            self.cause = cause
            self.due = due
            self.split = split
            self.branchCount = branchCount
            self.isGathering = isGathering
        }
    }

    /// Where the record lies that a state is handed.
    public enum ArrivalRecord: Hashable, Sendable {
        /// A signal.
        case signal(seq: Int)
        /// The end of a child.
        case child(seq: Int)

        /// The number of the record.
        public var seq: Int {
            switch self {
            case .signal(let seq), .child(let seq): seq
            }
        }
    }

    /// Which signals a run knows of, by the numbers of their records.
    public struct KnownSignals: Hashable, Sendable {
        /// Those that no wait has taken yet, in order.
        public var kept: [Int] = []
        /// Those that are known only to recognise them when they come again, in order.
        public var past: [Int] = []

        /// None.
        public init() {}
    }

    /// A child that is being started.
    public struct ChildStart: Hashable, Sendable {
        /// Its id.
        public var run: RunID
        /// Its workflow.
        public var workflow: String
        /// Its version; `nil` for the highest there is.
        public var version: Int?
        /// Its context.
        public var context: Payload
        /// The attempt that made the context.
        public var cause: Attempt

        /// A start from its parts.
        public init(run: RunID, workflow: String, version: Int?, context: Payload, cause: Attempt) {
            self.run = run
            self.workflow = workflow
            self.version = version
            self.context = context
            self.cause = cause
        }
    }

    /// A move to another version.
    public struct Migration: Hashable, Sendable {
        /// The version that the run had.
        public var from: Int
        /// The version that it has from here on.
        public var to: Int

        /// A migration from its parts.
        public init(from: Int, to: Int) {
            self.from = from
            self.to = to
        }
    }

    /// What is known about one attempt that ended.
    public struct Attempt: Hashable, Sendable {
        /// Its number, from 1.
        public var number: Int
        /// The lease's token; `nil` when no lease was granted or its holder is unknown.
        public var token: Token?
        /// Who held the lease.
        public var worker: WorkerID?
        /// When the lease was granted.
        public var startedAt: Instant?

        /// An attempt from its parts.
        public init(number: Int, token: Token? = nil, worker: WorkerID? = nil, startedAt: Instant? = nil) {
            self.number = number
            self.token = token
            self.worker = worker
            self.startedAt = startedAt
        }
    }

    /// Where the next attempt of a piece of work begins.
    public struct Cursor: Hashable, Sendable {
        /// What the next attempt is given; `nil`: the cursor before stays.
        public var payload: Payload?
        /// When the next attempt may begin; `nil`: at once.
        public var resumeAt: Instant?
        /// The number of the record that this one replaces in the history; the store removes it in the same commit.
        public var replaces: Int?
        /// How many such records of the work were removed in all.
        public var removed: Int

        /// A cursor from its parts.
        public init(_ payload: Payload?, resumeAt: Instant? = nil, replaces: Int? = nil, removed: Int = 0) {
            self.payload = payload
            self.resumeAt = resumeAt
            self.replaces = replaces
            self.removed = removed
        }
    }

    /// One of the attempts that a loss ended.
    public struct LostAttempt: Hashable, Sendable {
        /// The work.
        public var path: WorkPath
        /// The attempt.
        public var attempt: Attempt

        /// A lost attempt from its parts.
        public init(path: WorkPath, attempt: Attempt) {
            self.path = path
            self.attempt = attempt
        }
    }

    /// The items of a split.
    public struct Expansion: Hashable, Sendable {
        /// The items, in order; the branches have their indices.
        public var items: [Payload]
        /// The attempt that made them.
        public var cause: Attempt
        /// When the join's time is up; `nil` for no bound.
        public var due: Instant?

        /// An expansion from its parts.
        public init(items: [Payload], cause: Attempt, due: Instant? = nil) {
            self.items = items
            self.cause = cause
            self.due = due
        }
    }

    /// Something that is undone should the run fail.
    ///
    /// Its own sequence number is its name.
    public struct SagaPush: Hashable, Sendable {
        /// The state whose task did it.
        public var state: String
        /// The visit in which it was done.
        public var visit: Int
        /// The work that did it.
        public var path: WorkPath
        /// What the task returned; `nil` when the outcome of its attempt is unknown.
        public var output: Payload?
        /// The attempt that did it, where no other record names it: the run turned back when it ended.
        public var cause: Attempt?

        /// A push from its parts.
        public init(state: String, visit: Int, path: WorkPath, output: Payload?, cause: Attempt? = nil) {
            self.state = state
            self.visit = visit
            self.path = path
            self.output = output
            self.cause = cause
        }
    }

    /// What the last record adds to the outcome.
    public struct Finish: Hashable, Sendable {
        /// The exit state; `nil` when the run ended elsewhere.
        public var state: String?
        /// The number of the last visit.
        public var visit: Int
        /// The context at the end.
        public var context: Payload
        /// The attempt whose outcome led here.
        public var cause: Attempt?
        /// How many pushed entries could not be undone.
        public var notUndone: Int

        /// A finish from its parts.
        public init(state: String?, visit: Int, context: Payload, cause: Attempt? = nil, notUndone: Int = 0) {
            self.state = state
            self.visit = visit
            self.context = context
            self.cause = cause
            self.notUndone = notUndone
        }
    }
}

/// How one branch of a split ended.
public enum BranchOutcome: Hashable, Sendable {
    /// It returned this output.
    case success(Payload)
    /// It failed for good.
    case failure(Failure)
    /// It was stopped because the join was decided without it.
    case cancelled
}

/// What a join decided.
public enum JoinDecision: Hashable, Sendable {
    /// Enough branches succeeded: the run goes on.
    case satisfied
    /// Too few can succeed: the split failed.
    case failed(Failure)
}

/// Why a run turns back before an exit of success.
public enum Ending: Hashable, Sendable {
    /// A step failed for good, or an exit of failure was reached.
    case failed(Failure)
    /// Somebody cancelled it.
    case cancelled(by: String)
    /// The run's total time is up.
    case timedOut

    /// The outcome that the run ends with when everything is undone.
    public var outcome: RunOutcome {
        switch self {
        case .failed(let failure): .failed(failure)
        case .cancelled(let by): .cancelled(by: by)
        case .timedOut: .timedOut
        }
    }
}
