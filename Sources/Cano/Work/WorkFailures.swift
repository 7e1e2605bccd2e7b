// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// What errors of tasks mean to the engine, and what is said about outcomes that cannot be used.
final class WorkFailures: Sendable {
    let workflow: String
    let limits: Limits

    init(workflow: String, limits: Limits) {
        self.workflow = workflow
        self.limits = limits
    }

    /// How an attempt ended that threw an error, in the task that ran it.
    func result(
        of error: any Error,
        timeout: Span?,
        deadline: ContinuousClock.Instant?,
        at now: ContinuousClock.Instant = .now
    ) -> AttemptReport.Result {
        switch error {
        // Nearly all that say what they are: its type is compared much faster than a conformance is looked up.
        case let failure as TaskFailure: return self.result(of: failure, failure.description)
        case let failure as any ClassifiedError: return self.result(of: failure, "\(failure)")
        case let refusal as any TaskFailureConvertible:
            return self.result(of: refusal.taskFailure, timeout: timeout, deadline: deadline)
        case is CancellationError:
            return self.stopped(timeout, deadline, at: now, "")
        case _ where Task.isCancelled:
            return self.stopped(timeout, deadline, at: now, ": \(error)")
        case let error as CanoError where error.code == .invalidInput:
            return .failed(self.failure(error.code.name, error.message, isRetryable: false), retryAfter: nil)
        default:
            return .failed(self.failure(CanoError.Code.taskFailed.name, "\(error)"), retryAfter: nil)
        }
    }

    private func result(of failure: some ClassifiedError, _ message: String) -> AttemptReport.Result {
        let kept = self.failure(failure.code, message, isRetryable: failure.isRetryable)
        return .failed(kept, retryAfter: failure.retryAfter.map(Span.init))
    }

    /// Whoever cancels a task cannot say why, so the deadline tells whether its time was up.
    private func stopped(
        _ timeout: Span?,
        _ deadline: ContinuousClock.Instant?,
        at now: ContinuousClock.Instant,
        _ detail: String
    ) -> AttemptReport.Result {
        if let deadline, now >= deadline {
            let bound = timeout.map { " of \($0.milliseconds) ms" } ?? ""
            return .stopped(self.failure("timeout", "the attempt took longer than its timeout\(bound)\(detail)"))
        }
        return .stopped(self.failure(CanoError.Code.cancelled.name, "the attempt was stopped\(detail)"))
    }

    /// A failure whose message is one line and not too long.
    func failure(_ code: String, _ message: String, isRetryable: Bool = true) -> Failure {
        var line = message
        // Most are short ASCII lines already, and a byte of those is a character.
        let isShort = line.utf8.count <= self.limits.messageCharacters
        if !isShort || !line.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) {
            line = line.split(whereSeparator: \.isNewline).joined(separator: " ")
            line = String(line.prefix(self.limits.messageCharacters))
        }
        return Failure(code: code, message: line, isRetryable: isRetryable)
    }

    /// Something is over a limit.
    func limit(_ what: String, of state: String, _ size: String, _ most: String, _ name: String) -> Failure {
        self.failure(
            CanoError.Code.limitExceeded.name,
            "\(what) of state '\(state)' in workflow '\(self.workflow)' has \(size), over the limit of \(most): "
                + "keep large data elsewhere and pass its address, or raise Limits.\(name)",
            isRetryable: false
        )
    }

    /// A split made too many items; `nil` when it did not.
    func tooMany(_ items: Int, of state: String) -> Failure? {
        guard items > self.limits.branches else { return nil }
        return self.limit("the split", of: state, "\(items) items", "\(self.limits.branches)", "branches")
    }

    /// A task chose a state that is not declared.
    func undeclared(_ next: String, of state: String, among declared: [String]) -> Failure {
        self.failure(
            CanoError.Code.invalidDefinition.name,
            "the task of state '\(state)' in workflow '\(self.workflow)' chose '\(next)', which is not declared: "
                + "add it to `to:` (now: \(declared.joined(separator: ", "))) and raise the version",
            isRetryable: false
        )
    }
}
