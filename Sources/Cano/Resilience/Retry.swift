// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// Calls again after a failure, as a policy says, inside one attempt of a task.
///
/// ```swift
/// let page = try await retry(.exponential(attempts: 4)) { try await client.get(url) }
/// ```
///
/// A `CancellationError`, an open circuit breaker and a `TaskFailure` that no other attempt can mend end it at once; an
/// error that says when trying again makes sense (`TaskFailure.retryAfter`, ``RateLimited``) replaces the pause. It
/// keeps nothing: for retries that survive the process, give the state a `retry:`.
///
/// - Parameters:
///   - policy: how often, and how patiently.
///   - clock: by which pauses go.
///   - isRetryable: whether calling again makes sense after an error that says nothing about it (default: yes).
///   - onRetry: hears of every failure that is followed by another call: the number of the failed call, from 1, its
///     error, and the pause.
///   - body: the call.
/// - Returns: what the first call that works returns.
/// - Throws: the error of the last call.
@inlinable
public func retry<Value>(
    _ policy: @autoclosure () -> RetryPolicy = RetryPolicy(),
    clock: @autoclosure () -> ResilienceClock = .system,
    isRetryable: (any Error) -> Bool = { _ in true },
    onRetry: (Int, any Error, Duration) -> Void = { _, _, _ in },
    _ body: () async throws -> Value
) async throws -> Value {
    // Inlined, because this line is all that most calls need: not even the policy is made for them.
    do { return try await body() } catch {
        var (error, pauses) = (error, RetryPauses(policy(), clock()))
        while true {
            guard let pause = pauses.pause(after: error, isRetryable: isRetryable) else { throw error }
            onRetry(pauses.failures, error, pause)
            try await pauses.wait(pause)
            do { return try await body() } catch let next { error = next }
        }
    }
}

/// How often a call has failed, and how long to wait before the next one.
@usableFromInline
struct RetryPauses {
    private let policy: RetryPolicy
    private let clock: ResilienceClock
    private var seed: UInt64?
    @usableFromInline private(set) var failures = 0

    @usableFromInline
    init(_ policy: RetryPolicy, _ clock: ResilienceClock) {
        self.policy = policy
        self.clock = clock
    }

    /// The pause after one more failure; `nil` when that was the last.
    @usableFromInline
    mutating func pause(after error: any Error, isRetryable: (any Error) -> Bool) -> Duration? {
        self.failures += 1
        guard self.failures < self.policy.maximumAttempts, !Task.isCancelled, !(error is CancellationError),
            !(error is CircuitOpen)
        else { return nil }
        if let failure = (error as? TaskFailure) ?? (error as? any TaskFailureConvertible)?.taskFailure {
            guard failure.isRetryable else { return nil }
            if let pause = failure.retryAfter { return pause }
        }
        guard isRetryable(error) else { return nil }
        // One seed for all pauses of a call, as for all pauses of a run; drawn when the first one is needed.
        let seed = self.seed ?? UInt64.random(in: 0 ... .max)
        self.seed = seed
        return self.policy.delay(afterFailures: self.failures, seed: seed &+ UInt64(self.failures)).duration
    }

    @usableFromInline
    func wait(_ pause: Duration) async throws {
        try await self.clock.sleep(until: self.clock.now().advanced(by: pause))
    }
}
