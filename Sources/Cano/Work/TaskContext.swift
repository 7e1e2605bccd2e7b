// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine
public import Logging

/// What a task knows about the attempt that it is.
///
/// Cancellation is Swift's own: `Task.isCancelled` and `Task.checkCancellation()` tell that the run does not want the
/// outcome any more, that the attempt's time is up, or that the lease is lost.
public struct TaskContext: Sendable {
    /// The run.
    public let run: RunID
    /// The state that the work belongs to.
    public let state: String
    /// The number of the visit; it rises with every state entered.
    public let visit: Int
    /// The number of this attempt, from 1.
    public let attempt: Int
    /// When the attempt's time is up; `nil` for no bound.
    public var deadline: ContinuousClock.Instant? { self.due.map(Moment.instant) }

    /// The deadline, as a ``Moment``.
    private let due: Duration?
    private let work: Work
    private let base: Logger
    /// What comes with the lease; `nil` for work that no lease is granted for.
    private let link: AttemptLink?
    /// The bounds of what the attempt may say, and what is said when it passes them.
    var failures: WorkFailures?

    /// What the attempt is for.
    @usableFromInline
    enum Work: Hashable, Sendable {
        case does(WorkPath)
        case undoes(WorkPath)
    }

    package init(
        grant: LeaseGrant,
        deadline: ContinuousClock.Instant?,
        logger: Logger,
        time: (any AttemptTime)? = nil,
        onProgress: @escaping @Sendable (String) -> Void,
        onCheckpoint: @escaping @Sendable (Payload) async throws -> Void = { _ in }
    ) {
        let link = AttemptLink(
            trace: grant.trace,
            cursor: grant.cursor,
            time: time,
            onProgress: onProgress,
            onCheckpoint: onCheckpoint
        )
        self.init(grant, deadline, logger, link)
    }

    private init(_ grant: LeaseGrant, _ deadline: ContinuousClock.Instant?, _ logger: Logger, _ link: AttemptLink?) {
        let key = grant.lease.key
        self.run = key.run
        self.state = grant.state
        self.visit = key.visit
        self.attempt = grant.lease.attempt
        self.due = deadline.map(Moment.of)
        self.work = if case .undo(let path, _) = grant.input { .undoes(path) } else { .does(key.path) }
        self.base = logger
        self.link = link
    }

    /// For work that no lease is granted for.
    @usableFromInline
    init(
        run: RunID,
        state: String,
        visit: Int,
        attempt: Int,
        work: Work,
        due: Duration?,
        logger: Logger
    ) {
        self.run = run
        self.state = state
        self.visit = visit
        self.attempt = attempt
        self.due = due
        self.work = work
        self.base = logger
        self.link = nil
    }

    /// The trace that the run belongs to; `nil` when it was started outside of any.
    ///
    /// `ServiceContext.current` continues it while the task runs, so that its own spans become part of it.
    public var trace: TraceContext? { self.link?.trace }

    /// What the last good attempt of the work left for this one.
    package var cursor: Payload? { self.link?.cursor }

    /// How long its last work may take once it was asked to stop.
    var settleTime: Duration { (self.failures?.limits ?? Limits()).settleTime.duration }

    /// The same text for every attempt of this work: hand it to outside systems, so that they do its work once.
    public var idempotencyKey: String {
        switch self.work {
        case .does(let path): WorkKey(run: self.run, visit: self.visit, path: path).idempotencyKey
        case .undoes(let path): WorkKey(run: self.run, visit: self.visit, path: path).idempotencyKey + "/undo"
        }
    }

    /// A logger that carries the run, the state and the attempt; it is made when it is asked for.
    public var logger: Logger {
        var logger = self.base
        logger[metadataKey: "cano.run"] = .stringConvertible(self.run)
        logger[metadataKey: "cano.state"] = .string(self.state)
        logger[metadataKey: "cano.attempt"] = .stringConvertible(self.attempt)
        return logger
    }

    /// The clock to wait by: `try await task.clock.sleep(for: .seconds(2))`.
    ///
    /// It is the machine's; under a test's clock it costs no time.
    public var clock: any Clock<Duration> { self.link?.time?.clock ?? ContinuousClock() }

    /// This moment, by that clock.
    var now: ContinuousClock.Instant { self.link?.time?.now ?? .now }

    /// Returns when so much time has passed, for what bounds the task's code from beside.
    func bound(by limit: Duration) async throws {
        guard let time = self.link?.time else { return try await Task.sleep(for: limit) }
        try await time.bound(until: time.now.advanced(by: limit))
    }

    /// The same attempt, for a local state behind its own.
    package func following(_ grant: LeaseGrant) -> TaskContext {
        var next = TaskContext(grant, self.deadline, self.base, self.link?.withoutCursor)
        next.failures = self.failures
        return next
    }

    /// Makes a cursor durable while the attempt goes on; returns when it is.
    ///
    /// Throws `CancellationError` when the attempt is cancelled, or its lease was lost; fails for good with the code
    /// `limitExceeded` when the cursor is too large.
    package func checkpoint(_ cursor: Payload) async throws {
        if let most = self.failures?.limits.payloadBytes, cursor.count > most {
            throw TaskFailure.permanent(
                "the cursor of state '\(self.state)' has \(cursor.count) bytes; at most \(most) are "
                    + "allowed (Limits.payloadBytes): keep a place in it, not data",
                code: CanoError.Code.limitExceeded.name
            )
        }
        try await self.link?.onCheckpoint(cursor)
    }

    /// Says that the task lives: due in time when its step has a heartbeat (`heartbeat(within:)`), free otherwise.
    public func heartbeat() {
        self.link?.onProgress("")
    }

    /// Says how far the task is, in a line for people; that is a sign of life, too.
    ///
    /// Kept only while the attempt runs.
    public func progress(_ line: String) {
        self.link?.onProgress(line)
    }
}

/// What an attempt has from its lease: contexts are handed around a lot, so they share it.
private final class AttemptLink: Sendable {
    let trace: TraceContext?
    let cursor: Payload?
    /// `nil` for the machine's.
    let time: (any AttemptTime)?
    let onProgress: @Sendable (String) -> Void
    let onCheckpoint: @Sendable (Payload) async throws -> Void

    init(
        trace: TraceContext?,
        cursor: Payload?,
        time: (any AttemptTime)?,
        onProgress: @escaping @Sendable (String) -> Void,
        onCheckpoint: @escaping @Sendable (Payload) async throws -> Void
    ) {
        self.trace = trace
        self.cursor = cursor
        self.time = time
        self.onProgress = onProgress
        self.onCheckpoint = onCheckpoint
    }

    /// The same for other work of the run, which no attempt has begun yet.
    var withoutCursor: AttemptLink {
        guard self.cursor != nil else { return self }
        return AttemptLink(
            trace: self.trace,
            cursor: nil,
            time: self.time,
            onProgress: self.onProgress,
            onCheckpoint: self.onCheckpoint
        )
    }
}
