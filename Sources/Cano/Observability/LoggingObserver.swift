// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
public import Logging

/// Logs what happens to runs: one line an event, with the ids of what it is about.
///
/// The way of a run is logged as `debug`, its end as `info`, what is tried again or turned back as `warning`, and what
/// failed for good or waits for a person as `error`. Messages are constant; `docs/telemetry.md` lists the keys.
public struct LoggingObserver: RunObserver {
    private let logger: Logger

    /// An observer that logs.
    ///
    /// - Parameter logger: where it logs.
    public init(_ logger: Logger = Logger(label: "cano.runs")) {
        self.logger = logger
    }

    /// Logs an event.
    public func observe(_ event: RunEvent) {
        switch event.kind {
        case .started: self.log(.debug, "run started", event)
        case .resumed: self.log(.info, "run resumed", event)
        case .entered: self.log(.debug, "state entered", event)
        case .attemptStarted(let attempt): self.log(.debug, "attempt started", event, attempt)
        case .attemptEnded(let attempt, let end): self.ended(attempt, end, event)
        case .attemptOrphaned(let attempt, let reason):
            self.log(
                .warning,
                "attempt of an earlier owner lost",
                event,
                attempt,
                ["cano.reason": "\(reason.rawValue)"]
            )
        case .retrying(let attempt, _): self.log(.warning, "attempt will be followed by another", event, attempt)
        case .attemptHeld(let attempt): self.log(.debug, "attempt held", event, attempt)
        case .expanded(let branches): self.log(.debug, "split expanded", event, ["cano.branches": "\(branches)"])
        case .branchEnded(let index, let end):
            self.log(.debug, "branch ended", event, ["cano.branch": "\(index)", "cano.outcome": "\(end.word)"])
        case .joined(let decision): self.log(.debug, "join decided", event, ["cano.outcome": "\(decision.word)"])
        case .timerSet: self.log(.debug, "timer set", event)
        case .timerFired: self.log(.debug, "timer fired", event)
        case .pushed(let path, _): self.log(.debug, "undo kept", event, ["cano.path": "\(path)"])
        case .ending(let ending): self.log(.warning, "run is to end", event, Self.metadata(of: ending.outcome))
        case .compensating(let ending):
            self.log(.warning, "run turns back", event, Self.metadata(of: ending.outcome))
        case .compensated(let entry, nil): self.log(.info, "entry undone", event, ["cano.entry": "\(entry)"])
        case .compensated(let entry, let failure?):
            let metadata: Logger.Metadata = ["cano.entry": "\(entry)", "cano.code": "\(failure.code)"]
            self.log(.error, "entry not undone", event, metadata)
        case .blocked: self.log(.error, "run is blocked", event)
        case .unblocked: self.log(.info, "run goes on", event)
        case .finished(let outcome, let span, _): self.finished(outcome, span, event)
        }
    }

    private func ended(_ attempt: RunEvent.Attempt, _ end: RunEvent.AttemptEnd, _ event: RunEvent) {
        switch end {
        case .succeeded: self.log(.debug, "attempt succeeded", event, attempt)
        case .failed(let failure):
            self.log(.warning, "attempt failed", event, attempt, ["cano.code": "\(failure.code)"])
        case .lost(let reason):
            self.log(.warning, "attempt lost", event, attempt, ["cano.reason": "\(reason.rawValue)"])
        case .revoked: self.log(.debug, "attempt revoked", event, attempt)
        }
    }

    private func finished(_ outcome: RunOutcome, _ span: Span, _ event: RunEvent) {
        var metadata = Self.metadata(of: outcome)
        metadata["cano.milliseconds"] = "\(span.milliseconds)"
        switch outcome {
        case .succeeded: self.log(.info, "run succeeded", event, metadata)
        case .failed: self.log(.error, "run failed", event, metadata)
        case .cancelled: self.log(.warning, "run cancelled", event, metadata)
        case .timedOut: self.log(.warning, "run timed out", event, metadata)
        }
    }

    private static func metadata(of outcome: RunOutcome) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["cano.outcome": "\(RunStatus(outcome).name)"]
        if case .failed(let failure) = outcome { metadata["cano.code"] = "\(failure.code)" }
        return metadata
    }

    private func log(
        _ level: Logger.Level,
        _ message: Logger.Message,
        _ event: RunEvent,
        _ attempt: RunEvent.Attempt,
        _ more: Logger.Metadata = [:]
    ) {
        var metadata = more
        metadata["cano.path"] = "\(attempt.path)"
        metadata["cano.task"] = "\(attempt.task)"
        metadata["cano.attempt"] = "\(attempt.number)"
        metadata["cano.worker"] = attempt.worker.map { "\($0.rawValue)" }
        self.log(level, message, event, metadata)
    }

    private func log(
        _ level: Logger.Level,
        _ message: Logger.Message,
        _ event: RunEvent,
        _ more: Logger.Metadata = [:]
    ) {
        guard level >= self.logger.logLevel else { return }
        var metadata = more
        metadata["cano.run"] = "\(event.run)"
        metadata["cano.workflow"] = "\(event.definition)"
        metadata["cano.state"] = "\(event.state)"
        metadata["cano.visit"] = "\(event.visit)"
        metadata["cano.seq"] = "\(event.seq)"
        self.logger.log(level: level, message, metadata: metadata)
    }
}
