// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// The attempts at one piece of work of a run without a store, by the same policies as everywhere.
@usableFromInline
struct DirectAttempts {
    /// How the work ended.
    @usableFromInline
    enum End<Value: Sendable>: Sendable {
        /// An attempt did it.
        case done(Value)
        /// It failed for good.
        case failed(Failure)
        /// It was stopped, because its outcome is not wanted any more.
        case stopped
    }

    /// What an attempt's end means.
    private enum Verdict {
        case again(after: Span)
        case failed(Failure)
        case stopped
    }

    let retry: RetryPolicy
    let timeout: Span?
    /// Whether the work can be undone: then an outcome that cannot be used leaves doubt.
    let isUndoable: Bool
    let failures: WorkFailures
    /// From which jitter is drawn.
    var random: SplitMix64
    /// The number of the next attempt.
    private(set) var attempt = 1
    /// How many attempts in a row failed or ran out of time.
    private var failed = 0
    /// How many did so altogether.
    private var allFailed = 0
    /// How many may do so altogether; `nil` for any number.
    private let budget: Int?
    /// When the first of those in a row began; `nil` when nobody asks.
    private var began: ContinuousClock.Instant?
    /// Whether an attempt may have done something that nobody knows of.
    private(set) var isInDoubt = false

    init(
        retry: RetryPolicy,
        timeout: Span?,
        isUndoable: Bool,
        failures: WorkFailures,
        seed: UInt64,
        budget: Int? = nil
    ) {
        self.budget = budget
        self.began = retry.boundsTime ? .now : nil
        self.retry = retry
        self.timeout = timeout
        self.isUndoable = isUndoable
        self.failures = failures
        self.random = SplitMix64(seed: seed)
    }

    /// The attempt was good, and the next one carries on.
    mutating func goOn() {
        self.attempt += 1
        self.failed = 0
        if self.began != nil { self.began = .now }
    }

    /// Tries until the work is done, has failed for good, or the task is cancelled.
    ///
    /// - Parameters:
    ///   - first: what the first attempt threw, when it has been made already.
    ///   - body: makes one attempt; it gets the attempt's number and its deadline, as a `TaskContext` keeps it.
    /// - Returns: how the work ended.
    mutating func run<Value: Sendable>(
        after first: (any Error)? = nil,
        _ body: @escaping @Sendable (Int, Duration?) async throws -> Value
    ) async -> End<Value> {
        var error = first
        while true {
            var deadline: ContinuousClock.Instant?
            if error == nil {
                deadline = self.timeout.map { .now.advanced(by: $0.duration) }
                do { return .done(try await Self.attempt(self.attempt, until: deadline, body)) } catch let caught {
                    error = caught
                }
            }
            guard let thrown = error else { continue }
            error = nil
            switch self.judge(self.result(of: thrown, deadline)) {
            case .failed(let failure): return .failed(failure)
            case .stopped: return .stopped
            case .again(let pause):
                do { try await Task.sleep(for: pause.duration) } catch { return .stopped }
            }
        }
    }

    private static func attempt<Value: Sendable>(
        _ number: Int,
        until deadline: ContinuousClock.Instant?,
        _ body: @escaping @Sendable (Int, Duration?) async throws -> Value
    ) async throws -> Value {
        guard let deadline else { return try await body(number, nil) }
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body(number, Moment.of(deadline)) }
            group.addTask {
                do { try await Task.sleep(until: deadline) } catch { return nil }
                throw AttemptTimedOut()
            }
            // The work's word or the clock's, whichever came first; the work is waited for all the same.
            var word: Result<Value, any Error>?
            while let next = await group.nextResult() {
                guard word == nil else { continue }
                switch next {
                case .success(nil): continue
                case .success(let value?): word = .success(value)
                case .failure(let error): word = .failure(error)
                }
                group.cancelAll()
            }
            guard let word else { throw CancellationError() }
            return try word.get()
        }
    }

    private func result(of error: any Error, _ deadline: ContinuousClock.Instant?) -> AttemptReport.Result {
        switch error {
        case let refused as RefusedOutcome:
            self.isUndoable ? .stopped(refused.failure) : .failed(refused.failure, retryAfter: nil)
        case is AttemptTimedOut:
            .stopped(self.failures.failure("timeout", "the attempt took longer than its timeout"))
        default:
            self.failures.result(of: error, timeout: self.timeout, deadline: deadline)
        }
    }

    /// Counts the end of an attempt and says what follows.
    private mutating func judge(_ result: AttemptReport.Result) -> Verdict {
        let isStopping = Task.isCancelled
        self.attempt += 1
        switch result {
        case .failed(let failure, let retryAfter):
            if failure.leavesDoubt { self.isInDoubt = true }
            return self.fail(failure, failure, retryAfter: retryAfter, isStopping: isStopping)
        case .stopped(let failure):
            self.isInDoubt = true
            guard let reason = LossReason(of: failure, isStopping: isStopping) else {
                return self.fail(failure, failure, retryAfter: nil, isStopping: isStopping)
            }
            guard var charged = reason.failure else { return .stopped }
            let final = charged
            charged.isRetryable = failure.isRetryable
            return self.fail(charged, final, retryAfter: nil, isStopping: isStopping)
        case .completed, .carried, .released:
            return .stopped  // no error means either
        }
    }

    private mutating func fail(
        _ failure: Failure,
        _ final: Failure,
        retryAfter: Span?,
        isStopping: Bool
    ) -> Verdict {
        self.failed += 1
        self.allFailed += 1
        if isStopping { return .failed(final) }
        if let budget = self.budget, self.allFailed > budget { return .failed(final) }
        let seed = self.random.next()
        guard let pause = self.retry.pause(afterFailures: self.failed, of: failure, retryAfter: retryAfter, seed: seed)
        else { return .failed(final) }
        if let began = self.began, let most = self.retry.policy(after: failure.code).maximumElapsed,
            began.duration(to: .now) + pause.duration > most.duration
        {
            return .failed(final)
        }
        return .again(after: pause)
    }
}

/// An attempt's time was up before its work was done.
struct AttemptTimedOut: Error {}

/// The work was done, but its outcome breaks a rule.
struct RefusedOutcome: Error {
    let failure: Failure
}

extension RetryPolicy {
    /// Whether time bounds it, after any failure.
    fileprivate var boundsTime: Bool {
        if self.maximumElapsed != nil { return true }
        return !self.overrides.isEmpty && self.overrides.values.contains { $0.maximumElapsed != nil }
    }
}

extension TaskDefinition {
    /// Whether an attempt needs no clock beside it.
    var isPlain: Bool { self.timeout == nil && self.within == nil && !self.retry.boundsTime }
}

extension UndoDefinition {
    /// The same for an undo.
    var isPlain: Bool { self.timeout == nil && !self.retry.boundsTime }
}
