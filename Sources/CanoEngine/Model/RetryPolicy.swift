// SPDX-License-Identifier: Apache-2.0 OR MIT

/// How often, and how patiently, a failed step is tried again.
public struct RetryPolicy: Hashable, Sendable, Codable {
    /// Attempts in total, the first one included (default: 5).
    public var maximumAttempts = 5
    /// The pause before the second attempt (default: 200 ms).
    public var initialDelay = Span(milliseconds: 200)
    /// By what the pause is multiplied from one attempt to the next (default: 2; 1 keeps it constant).
    public var multiplier = 2.0
    /// The longest pause, jitter included (default: 30 s).
    public var maximumDelay = Span.seconds(30)
    /// By which part of itself a pause may be shorter or longer, from 0 to 1 (default: 0.1).
    public var jitter = 0.1

    /// The defaults.
    public init() {}

    /// The defaults, adjusted.
    public init(_ adjust: (inout Self) -> Void) {
        self.init()
        adjust(&self)
    }

    /// The largest ``multiplier`` that a definition may have: with it, two failures lead from a millisecond to weeks.
    package static let steepest = 1_000_000.0

    /// One attempt, no more.
    public static let never = Self { $0.maximumAttempts = 1 }

    /// The pause before the next attempt; `nil` when there is none, because the failure is final or the attempts are
    /// used up.
    ///
    /// - Parameters:
    ///   - failures: how many attempts have failed, this one included.
    ///   - failure: how this one failed.
    ///   - retryAfter: the pause that the task asked for, instead of the policy's.
    ///   - seed: from which the jitter is drawn.
    /// - Returns: the pause.
    public func pause(afterFailures failures: Int, of failure: Failure, retryAfter: Span?, seed: UInt64) -> Span? {
        guard failure.isRetryable, failures < self.maximumAttempts else { return nil }
        return retryAfter ?? self.delay(afterFailures: failures, seed: seed)
    }

    /// The pause after so many failed attempts (from 1).
    ///
    /// The jitter is drawn from `seed`, so that every owner of a run computes the same pause. It never leads above
    /// ``maximumDelay``.
    public func delay(afterFailures failures: Int, seed: UInt64) -> Span {
        // Above 2^53 a double skips whole milliseconds, and near the top it rounds up to what no integer can hold.
        let cap = Double(min(self.maximumDelay.milliseconds, 1 << 53))
        var delay = Double(self.initialDelay.milliseconds)
        // Growing step by step stops at the cap, so no power can overflow.
        var step = 1
        while step < failures, delay < cap, self.multiplier > 1, delay > 0 {
            delay *= self.multiplier
            step += 1
        }
        var random = SplitMix64(seed: seed)
        let unit = Double(random.next() >> 11) / Double(1 << 53)
        delay = min(delay, cap) * (1 + self.jitter * (2 * unit - 1))
        // A policy that was not validated may make this anything but a number.
        return Span(milliseconds: delay.isNaN ? Int64(cap) : Int64(min(max(0, delay), cap)))
    }
}
