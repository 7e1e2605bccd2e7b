// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Why an attempt of a built-in handler did not do its work.
struct WorkFailure: Error, Hashable {
    /// What is reported.
    var failure: Failure
    /// Whether nothing was done that needs an undo. When nobody knows, the attempt counts as stopped, and a
    /// compensatable one is undone without an output.
    var isOutcomeKnown = true
    /// How long the next attempt waits, where the other side said so.
    var retryAfter: Span?

    init(_ code: String, _ message: String, isRetryable: Bool = false) {
        // One line, whatever a program or a server wrote.
        let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        self.failure = Failure(code: code, message: line, isRetryable: isRetryable)
    }

    /// The same, for an attempt that may have done its work all the same, where that matters.
    func unknown(if matters: Bool = true) -> WorkFailure {
        var copy = self
        if matters { copy.isOutcomeKnown = false }
        return copy
    }

    /// What the handler answers.
    var result: AttemptReport.Result {
        self.isOutcomeKnown ? .failed(self.failure, retryAfter: self.retryAfter) : .stopped(self.failure)
    }
}

extension WorkFailure {
    /// The attempt's time is up.
    static let timeout = WorkFailure("timeout", "the attempt's time is up", isRetryable: true).unknown()
    /// The attempt was asked to stop.
    static let cancelled = WorkFailure("cancelled", "the attempt was asked to stop", isRetryable: true).unknown()

    /// A text shortened to a length at which people still read it.
    static func cut(_ text: some StringProtocol, to count: Int = 300) -> String {
        text.count > count ? String(text.prefix(count)) + "…" : String(text)
    }
}
