// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Why an attempt of a built-in handler did not do its work.
struct WorkFailure: Error, Hashable {
    /// What is reported.
    var failure: Failure
    /// Whether the attempt ended so that nobody knows how far it came, or so that what it did cannot be told.
    private var isInDoubt = false
    /// How long the next attempt waits, where the other side said so.
    var retryAfter: Span?

    init(_ code: String, _ message: String, isRetryable: Bool = false) {
        // One line, whatever a program or a server wrote.
        let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        self.failure = Failure(code: code, message: line, isRetryable: isRetryable)
    }

    /// What the handler answers.
    var result: AttemptReport.Result {
        self.isInDoubt ? .stopped(self.failure) : .failed(self.failure, retryAfter: self.retryAfter)
    }
}

extension WorkFailure {
    /// The attempt's time is up.
    static let timeout = WorkFailure.stop("timeout", "the attempt's time is up")
    /// The attempt was asked to stop.
    static let cancelled = WorkFailure.stop("cancelled", "the attempt was asked to stop")

    private static func stop(_ code: String, _ message: String) -> WorkFailure {
        var failure = WorkFailure(code, message, isRetryable: true)
        failure.isInDoubt = true
        return failure
    }

    /// The same failure of work that may have had its effect all the same.
    var inDoubt: WorkFailure {
        var failure = self
        failure.isInDoubt = true
        return failure
    }

    /// A text shortened to a length at which people still read it.
    static func cut(_ text: some StringProtocol, to count: Int = 300) -> String {
        text.count > count ? String(text.prefix(count)) + "…" : String(text)
    }
}
