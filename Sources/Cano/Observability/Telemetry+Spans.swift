// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine
import Instrumentation
import ServiceContextModule
import Tracing

extension Telemetry {
    /// Begins the trace of a run, as part of the caller's; `nil` when nobody traces.
    package func startTrace(of workflow: String) -> TraceContext? {
        guard let tracer = self.tracer else { return nil }
        let span = tracer.startSpan("cano.start", ofKind: .producer)
        span.attributes["cano.workflow"] = workflow
        var carrier: [String: String] = [:]
        tracer.inject(span.context, into: &carrier, using: TraceCarrier())
        span.end()
        return carrier[TraceCarrier.key].flatMap { TraceContext(traceparent: $0) }
    }

    /// Runs an attempt in a span that continues the trace of its run; spans of its code are children of that.
    package func attempt(
        _ grant: LeaseGrant,
        _ body: () async -> AttemptReport.Result
    ) async -> AttemptReport.Result {
        guard let tracer = self.tracer else { return await body() }
        let context = Self.context(of: grant.trace, by: tracer)
        return await tracer.withAnySpan("cano.attempt", context: context, ofKind: .consumer) { span in
            span.attributes["cano.workflow"] = "\(grant.definition)"
            span.attributes["cano.run"] = "\(grant.lease.key.run)"
            span.attributes["cano.state"] = grant.state
            span.attributes["cano.path"] = "\(grant.lease.key.path)"
            span.attributes["cano.attempt"] = grant.lease.attempt
            let result = await body()
            if let failure = result.failure { span.setStatus(SpanStatus(code: .error, message: failure.code)) }
            return result
        }
    }

    static func context(of trace: TraceContext?, by tracer: any Tracer) -> ServiceContext {
        var context = ServiceContext.topLevel
        guard let trace else { return context }
        tracer.extract([TraceCarrier.key: trace.traceparent], into: &context, using: TraceCarrier())
        return context
    }
}

extension AttemptReport.Result {
    fileprivate var failure: Failure? {
        if case .failed(let failure, _) = self { return failure }
        if case .stopped(let failure) = self { return failure }
        return nil
    }
}

/// Reads and writes a trace context as headers.
private struct TraceCarrier: Injector, Extractor {
    static let key = "traceparent"

    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
    func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
}

/// Makes a span of every run that ends, from its start to its end.
struct TracingObserver: RunObserver {
    let tracer: any Tracer

    func observe(_ event: RunEvent) {
        guard case .finished(let outcome, let length, _) = event.kind else { return }
        let end = StoredInstant(microseconds: event.at.microseconds)
        let start = StoredInstant(microseconds: event.at.microseconds - length.milliseconds * 1000)
        let context = Telemetry.context(of: event.trace, by: self.tracer)
        let span = self.tracer.startSpan("cano.run", context: context, ofKind: .internal, at: start)
        span.attributes["cano.workflow"] = "\(event.definition)"
        span.attributes["cano.run"] = "\(event.run)"
        span.attributes["cano.outcome"] = RunStatus(outcome).name
        if case .failed(let failure) = outcome { span.setStatus(SpanStatus(code: .error, message: failure.code)) }
        span.end(at: end)
    }
}

/// An instant of a store, as a tracer takes it.
private struct StoredInstant: TracerInstant {
    let microseconds: Int64

    var nanosecondsSinceEpoch: UInt64 { UInt64(max(0, self.microseconds)) * 1000 }

    static func < (left: StoredInstant, right: StoredInstant) -> Bool { left.microseconds < right.microseconds }
}
