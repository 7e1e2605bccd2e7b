// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// An error that says how a task that throws it failed.
package protocol TaskFailureConvertible: Error {
    /// The failure that the attempt ends with.
    var taskFailure: TaskFailure { get }
}

/// A circuit breaker let a call not through.
///
/// A task that throws it has failed with the code `circuitOpen`, and is tried again when the breaker may let a call
/// through.
public struct CircuitOpen: Error, Hashable, Sendable {
    /// The breaker's name.
    public let breaker: String
    /// How long it will stay open; `nil` when nobody knows.
    public let retryAfter: Duration?

    /// A refusal from its parts, for tests.
    public init(breaker: String, retryAfter: Duration?) {
        self.breaker = breaker
        self.retryAfter = retryAfter
    }
}

/// A rate limiter let a call not through.
///
/// A task that throws it has failed with the code `rateLimited`, and is tried again when the limiter may let a call
/// through.
public struct RateLimited: Error, Hashable, Sendable {
    /// The limiter's name.
    public let limiter: String
    /// The tier that was in the way.
    public let tier: String
    /// When asking again makes sense; `nil` for never, because the cost is more than the tier ever has.
    public let retryAfter: Duration?

    /// A refusal from its parts, for tests.
    public init(limiter: String, tier: String, retryAfter: Duration?) {
        self.limiter = limiter
        self.tier = tier
        self.retryAfter = retryAfter
    }
}

/// A bulkhead had no place left, in work and in its line.
///
/// A task that throws it has failed with the code `bulkheadFull`.
public struct BulkheadFull: Error, Hashable, Sendable {
    /// The bulkhead's name.
    public let bulkhead: String

    /// A refusal from its parts, for tests.
    public init(bulkhead: String) { self.bulkhead = bulkhead }
}

extension CircuitOpen: CustomStringConvertible, TaskFailureConvertible {
    /// One line for people.
    public var description: String {
        let wait = self.retryAfter.map { " for \($0)" } ?? ""
        return "the circuit breaker '\(self.breaker)' is open\(wait)"
    }

    package var taskFailure: TaskFailure {
        TaskFailure(self.description, code: Failure.circuitOpen, retryAfter: self.retryAfter?.roundedUp)
    }
}

extension RateLimited: CustomStringConvertible, TaskFailureConvertible {
    /// One line for people.
    public var description: String {
        let wait = self.retryAfter.map { "for \($0)" } ?? "for ever: the cost is more than it allows at all"
        return "the rate limiter '\(self.limiter)' refuses by '\(self.tier)' \(wait)"
    }

    package var taskFailure: TaskFailure {
        TaskFailure(
            self.description,
            code: Failure.rateLimited,
            isRetryable: self.retryAfter != nil,
            retryAfter: self.retryAfter?.roundedUp
        )
    }
}

extension BulkheadFull: CustomStringConvertible, TaskFailureConvertible {
    /// One line for people.
    public var description: String { "the bulkhead '\(self.bulkhead)' has no place left" }

    package var taskFailure: TaskFailure { TaskFailure(self.description, code: Failure.bulkheadFull) }
}

extension Duration {
    /// The next millisecond: runs wait for whole ones, and one that comes too early is refused again.
    fileprivate var roundedUp: Duration { self + .microseconds(999) }
}
