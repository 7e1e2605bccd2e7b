// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension WireReport {
    init(_ report: AttemptReport) {
        self.init()
        self.lease = WireLeaseRef(report.lease)
        switch report.result {
        case .completed(let completion): self.result = .init(completion)
        case .failed(let failure, let retryAfter):
            var failed = WireFailed()
            failed.failure = WireFailure(failure)
            if let retryAfter { failed.retryAfterMs = retryAfter.milliseconds }
            self.result = .failed(failed)
        case .stopped(let failure): self.result = .stopped(WireFailure(failure))
        case .released: self.result = .released(WireNothing())
        }
    }
}

extension WireReport.OneOf_Result {
    fileprivate init(_ completion: AttemptReport.Completion) {
        switch completion {
        case .task(let context, let next, let output):
            var done = WireTaskDone()
            if let context { done.context = WirePayload(context) }
            if let next { done.next = next }
            if let output { done.output = WirePayload(output) }
            self = .task(done)
        case .route(let next): self = .route(next)
        case .items(let items):
            var wire = WireItems()
            wire.items = items.map { WirePayload($0) }
            self = .items(wire)
        case .output(let output): self = .output(WirePayload(output))
        case .undone: self = .undone(WireNothing())
        }
    }
}

extension AttemptReport {
    init(wire: WireReport) throws(CanoError) {
        self.init(
            lease: try LeaseRef(wire: wire.lease, "reports.lease"),
            result: try Result(wire: wire.result)
        )
    }
}

extension AttemptReport.Result {
    fileprivate init(wire: WireReport.OneOf_Result?) throws(CanoError) {
        switch wire {
        case .task(let done):
            self = .completed(
                .task(
                    context: done.hasContext ? try Payload(wire: done.context, "reports.task.context") : nil,
                    next: done.hasNext ? done.next : nil,
                    output: done.hasOutput ? try Payload(wire: done.output, "reports.task.output") : nil
                )
            )
        case .route(let next): self = .completed(.route(next: next))
        case .items(let wire): self = .completed(.items(try Payload.list(wire: wire.items, "reports.items")))
        case .output(let output): self = .completed(.output(try Payload(wire: output, "reports.output")))
        case .undone: self = .completed(.undone)
        case .failed(let failed):
            let retryAfter = failed.hasRetryAfterMs ? Span(milliseconds: failed.retryAfterMs) : nil
            self = .failed(Failure(wire: failed.failure), retryAfter: retryAfter)
        case .stopped(let failure): self = .stopped(Failure(wire: failure))
        case .released: self = .released
        case nil: throw violation("reports.result", "is missing or unknown")
        }
    }
}

extension WireAnswer {
    init(_ answer: LeaseAnswer) {
        self.init()
        self.lease = WireLeaseRef(answer.lease)
        switch answer.answer {
        case .accepted: self.verdict = .accepted
        case .already: self.verdict = .already
        case .lost: self.verdict = .lost
        }
    }
}

extension LeaseAnswer {
    init(wire: WireAnswer) throws(CanoError) {
        let answer: ReportAnswer
        switch wire.verdict {
        case .accepted: answer = .accepted
        case .already: answer = .already
        case .lost: answer = .lost
        case .unspecified: throw violation("answers.verdict", "is missing")
        case .UNRECOGNIZED(let value): throw violation("answers.verdict", "is \(value), which is unknown")
        }
        self.init(lease: try LeaseRef(wire: wire.lease, "answers.lease"), answer: answer)
    }
}
