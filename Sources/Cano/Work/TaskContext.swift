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
    public let deadline: ContinuousClock.Instant?
    /// The trace that the run belongs to; `nil` when it was started outside of any.
    ///
    /// `ServiceContext.current` continues it while the task runs, so that its own spans become part of it.
    public let trace: TraceContext?

    private let work: Work
    private let base: Logger
    /// `nil` for the machine's.
    private let time: (any AttemptTime)?
    private let onProgress: (@Sendable (String) -> Void)?
    private let onCheckpoint: (@Sendable (Payload) async throws -> Void)?
    /// What the last good attempt of the work left for this one.
    package let cursor: Payload?
    /// How many bytes a cursor may have.
    var cursorBytes = Int.max
    /// How long its last work may take once it was asked to stop.
    var settleTime: Duration = Limits().settleTime.duration

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
        let key = grant.lease.key
        self.run = key.run
        self.state = grant.state
        self.visit = key.visit
        self.attempt = grant.lease.attempt
        self.deadline = deadline
        self.work = if case .undo(let path, _) = grant.input { .undoes(path) } else { .does(key.path) }
        self.trace = grant.trace
        self.base = logger
        self.cursor = grant.cursor
        self.time = time
        self.onProgress = onProgress
        self.onCheckpoint = onCheckpoint
    }

    /// For work that no lease is granted for.
    @usableFromInline
    init(
        run: RunID,
        state: String,
        visit: Int,
        attempt: Int,
        work: Work,
        deadline: ContinuousClock.Instant?,
        logger: Logger,
        cursor: Payload? = nil,
        onCheckpoint: (@Sendable (Payload) async throws -> Void)? = nil
    ) {
        self.run = run
        self.state = state
        self.visit = visit
        self.attempt = attempt
        self.deadline = deadline
        self.work = work
        self.trace = nil
        self.base = logger
        self.cursor = cursor
        self.time = nil
        self.onProgress = nil
        self.onCheckpoint = onCheckpoint
    }

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
    public var clock: any Clock<Duration> { self.time?.clock ?? ContinuousClock() }

    /// This moment, by that clock.
    var now: ContinuousClock.Instant { self.time?.now ?? .now }

    /// Returns when so much time has passed, for what bounds the task's code from beside.
    func bound(by limit: Duration) async throws {
        guard let time = self.time else { return try await Task.sleep(for: limit) }
        try await time.bound(until: time.now.advanced(by: limit))
    }

    /// The same attempt, for a local state behind its own.
    package func following(_ grant: LeaseGrant) -> TaskContext {
        TaskContext(
            grant: grant,
            deadline: self.deadline,
            logger: self.base,
            time: self.time,
            onProgress: self.onProgress ?? { _ in },
            onCheckpoint: self.onCheckpoint ?? { _ in }
        )
    }

    /// Makes a cursor durable while the attempt goes on; returns when it is.
    ///
    /// Throws `CancellationError` when the attempt is cancelled, or its lease was lost; fails for good with the code
    /// `limitExceeded` when the cursor is too large.
    package func checkpoint(_ cursor: Payload) async throws {
        guard cursor.count <= self.cursorBytes else {
            throw TaskFailure.permanent(
                "the cursor of state '\(self.state)' has \(cursor.count) bytes; at most \(self.cursorBytes) are "
                    + "allowed (Limits.payloadBytes): keep a place in it, not data",
                code: CanoError.Code.limitExceeded.name
            )
        }
        try await self.onCheckpoint?(cursor)
    }

    /// Says that the task lives: due in time when its step has a heartbeat (`heartbeat(within:)`), free otherwise.
    public func heartbeat() {
        self.onProgress?("")
    }

    /// Says how far the task is, in a line for people; that is a sign of life, too.
    ///
    /// Kept only while the attempt runs.
    public func progress(_ line: String) {
        self.onProgress?(line)
    }
}
