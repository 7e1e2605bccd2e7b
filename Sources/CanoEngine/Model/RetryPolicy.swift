// SPDX-License-Identifier: Apache-2.0 OR MIT

/// How often, and how patiently, a failed step is tried again.
public struct RetryPolicy: Hashable, Sendable {
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
    /// How long after the start of the first attempt another one may still begin; `nil` for no bound (the default).
    public var maximumElapsed: Span?
    /// What holds instead after a failure with this code.
    ///
    /// The policy of the last failure decides; all failures count, whatever their codes.
    public var overrides: [String: RetryPolicy] = [:]

    /// The defaults.
    public init() {}

    /// The defaults, adjusted.
    public init(_ adjust: (inout Self) -> Void) {
        self.init()
        adjust(&self)
    }

    /// The policy that holds after a failure with this code.
    public func policy(after code: String) -> RetryPolicy { self.overrides[code] ?? self }

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
        let policy = self.policy(after: failure.code)
        guard failure.isRetryable, failures < policy.maximumAttempts else { return nil }
        return retryAfter ?? policy.delay(afterFailures: failures, seed: seed)
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

extension RetryPolicy: Codable {
    private enum CodingKeys: String, CodingKey {
        case maximumAttempts, initialDelay, multiplier, maximumDelay, jitter, maximumElapsed, overrides
    }

    /// Reads the coded form; what was added later may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.maximumAttempts = try container.decode(Int.self, forKey: .maximumAttempts)
        self.initialDelay = try container.decode(Span.self, forKey: .initialDelay)
        self.multiplier = try container.decode(Double.self, forKey: .multiplier)
        self.maximumDelay = try container.decode(Span.self, forKey: .maximumDelay)
        self.jitter = try container.decode(Double.self, forKey: .jitter)
        self.maximumElapsed = try container.decodeIfPresent(Span.self, forKey: .maximumElapsed)
        self.overrides = try container.decodeIfPresent([String: RetryPolicy].self, forKey: .overrides) ?? [:]
    }

    /// Writes the coded form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.maximumAttempts, forKey: .maximumAttempts)
        try container.encode(self.initialDelay, forKey: .initialDelay)
        try container.encode(self.multiplier, forKey: .multiplier)
        try container.encode(self.maximumDelay, forKey: .maximumDelay)
        try container.encode(self.jitter, forKey: .jitter)
        try container.encodeIfPresent(self.maximumElapsed, forKey: .maximumElapsed)
        if !self.overrides.isEmpty { try container.encode(self.overrides, forKey: .overrides) }
    }
}
