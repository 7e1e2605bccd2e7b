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
