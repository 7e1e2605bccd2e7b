// SPDX-License-Identifier: Apache-2.0 OR MIT

extension RetryPolicy {
    /// The pause grows by a factor from one attempt to the next.
    ///
    /// - Parameters:
    ///   - attempts: attempts in total, the first one included.
    ///   - initial: the pause before the second attempt.
    ///   - factor: by what the pause is multiplied.
    ///   - maximum: the longest pause.
    ///   - jitter: by which part of itself a pause may be shorter or longer, from 0 to 1.
    /// - Returns: the policy.
    public static func exponential(
        attempts: Int,
        initial: Duration = .milliseconds(200),
        factor: Double = 2,
        maximum: Duration = .seconds(30),
        jitter: Double = 0.1
    ) -> RetryPolicy {
        RetryPolicy {
            $0.maximumAttempts = attempts
            $0.initialDelay = Span(initial)
            $0.multiplier = factor
            $0.maximumDelay = Span(maximum)
            $0.jitter = jitter
        }
    }

    /// Another policy holds after failures with this code.
    ///
    /// ```swift
    /// retry: .exponential(attempts: 5)
    ///     .on("rateLimited", .fixed(attempts: 50, every: .seconds(60)))
    ///     .on("refused", .never)
    /// ```
    ///
    /// All failures of a piece of work count, whatever their codes; the policy of the last one decides whether, and
    /// when, there is another attempt.
    ///
    /// - Parameters:
    ///   - code: the code of the failure: that of a ``TaskFailure``, `taskFailed` for other errors, `timeout`.
    ///   - policy: what holds then; it may have no overrides itself.
    /// - Returns: the policy.
    public func on(_ code: String, _ policy: RetryPolicy) -> RetryPolicy {
        var changed = self
        changed.overrides[code] = policy
        return changed
    }

    /// No attempt begins later than this after the first one began.
    ///
    /// - Parameter time: how long.
    /// - Returns: the policy.
    public func within(_ time: Duration) -> RetryPolicy {
        var changed = self
        changed.maximumElapsed = Span(time)
        return changed
    }

    /// The pause is always the same.
    ///
    /// - Parameters:
    ///   - attempts: attempts in total, the first one included.
    ///   - pause: the pause between two attempts.
    /// - Returns: the policy.
    public static func fixed(attempts: Int, every pause: Duration) -> RetryPolicy {
        RetryPolicy {
            $0.maximumAttempts = attempts
            $0.initialDelay = Span(pause)
            $0.multiplier = 1
            $0.maximumDelay = Span(pause)
            $0.jitter = 0
        }
    }
}
