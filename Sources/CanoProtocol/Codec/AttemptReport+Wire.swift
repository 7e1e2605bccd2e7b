// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension WireReport {
    init(_ report: AttemptReport) {
        self.init()
        self.lease = WireLeaseRef(report.lease)
        switch report.result {
        case .completed(let completion): self.result = .init(completion)
        case .carried(let completion, let following):
            self.result = .init(completion)
            self.following = following.map { WireLocalDone($0) }
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
        case .again(let cursor, let after):
            var wire = WireAgain()
            if let cursor { wire.cursor = WirePayload(cursor) }
            if let after { wire.afterMs = after.milliseconds }
            self = .again(wire)
        }
    }
}

extension WireLocalDone {
    fileprivate init(_ local: LocalCompletion) {
        self.init()
        self.state = local.state
        switch WireReport.OneOf_Result(local.completion) {
        case .task(let done): self.task = done
        case .route(let next): self.route = next
        // Nothing else is local; without a result the receiver refuses it.
        case .items, .output, .undone, .failed, .stopped, .released, .again: break
        }
    }
}

extension LocalCompletion {
    fileprivate init(wire: WireLocalDone) throws(CanoError) {
        switch wire.result {
        case .task(let done): self.init(state: wire.state, completion: try .init(wire: done))
        case .route(let next): self.init(state: wire.state, completion: .route(next: next))
        case nil: throw violation("reports.following.result", "is missing or unknown")
        }
    }
}

extension AttemptReport.Completion {
    fileprivate init(wire done: WireTaskDone) throws(CanoError) {
        self = .task(
            context: done.hasContext ? try Payload(wire: done.context, "reports.task.context") : nil,
            next: done.hasNext ? done.next : nil,
            output: done.hasOutput ? try Payload(wire: done.output, "reports.task.output") : nil
        )
    }
}

extension AttemptReport {
    init(wire: WireReport) throws(CanoError) {
        var result = try Result(wire: wire.result)
        if case .completed(let completion) = result, !wire.following.isEmpty {
            var following: [LocalCompletion] = []
            for local in wire.following { following.append(try LocalCompletion(wire: local)) }
            result = .carried(completion, following: following)
        }
        self.init(lease: try LeaseRef(wire: wire.lease, "reports.lease"), result: result)
    }
}

extension AttemptReport.Result {
    fileprivate init(wire: WireReport.OneOf_Result?) throws(CanoError) {
        switch wire {
        case .task(let done):
            self = .completed(try .init(wire: done))
        case .route(let next): self = .completed(.route(next: next))
        case .items(let wire): self = .completed(.items(try Payload.list(wire: wire.items, "reports.items")))
        case .output(let output): self = .completed(.output(try Payload(wire: output, "reports.output")))
        case .undone: self = .completed(.undone)
        case .again(let wire):
            let cursor = wire.hasCursor ? try Payload(wire: wire.cursor, "reports.again.cursor") : nil
            self = .completed(
                .again(cursor: cursor, after: wire.hasAfterMs ? Span(milliseconds: wire.afterMs) : nil)
            )
        case .failed(let failed):
            let retryAfter = failed.hasRetryAfterMs ? Span(milliseconds: failed.retryAfterMs) : nil
            self = .failed(Failure(wire: failed.failure), retryAfter: retryAfter)
        case .stopped(let failure): self = .stopped(Failure(wire: failure))
        case .released: self = .released
        case nil: throw violation("reports.result", "is missing or unknown")
        }
    }
}
