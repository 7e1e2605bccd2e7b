// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoTesting
import Tracing

/// A tracer that keeps its spans, and writes and reads W3C headers.
final class HeaderTracer: Tracer {
    /// What a context carries.
    struct Ids: Hashable, Sendable {
        var trace: String
        var span: String
    }

    enum Key: ServiceContextKey {
        typealias Value = Ids
    }

    private let made = Guarded<[HeaderSpan]>([])

    var spans: [HeaderSpan] { self.made.withLock { $0 } }

    func startSpan<Instant: TracerInstant>(
        _ operationName: String,
        context: @autoclosure () -> ServiceContext,
        ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant,
        function: String,
        file fileID: String,
        line: UInt
    ) -> HeaderSpan {
        var context = context()
        let parent = context[Key.self]
        let number = String(UInt64.random(in: 1...UInt64.max), radix: 16)
        let id = String(repeating: "0", count: 16 - number.count) + number
        let ids = Ids(trace: parent?.trace ?? id + id, span: id)
        context[Key.self] = ids
        let span = HeaderSpan(operationName: operationName, ids: ids, parent: parent?.span, context: context)
        self.made.withLock { $0.append(span) }
        return span
    }

    func forceFlush() {}

    func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext,
        into carrier: inout Carrier,
        using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let ids = context[Key.self] else { return }
        injector.inject("00-\(ids.trace)-\(ids.span)-01", forKey: "traceparent", into: &carrier)
    }

    func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier,
        into context: inout ServiceContext,
        using extractor: Extract
    ) where Extract.Carrier == Carrier {
        let parts = extractor.extract(key: "traceparent", from: carrier)?.split(separator: "-").map(String.init) ?? []
        if parts.count == 4 { context[Key.self] = Ids(trace: parts[1], span: parts[2]) }
    }
}

/// A span that remembers what was said about it.
final class HeaderSpan: Tracing.Span {
    private struct State {
        var operationName: String
        var attributes = SpanAttributes()
        var isEnded = false
    }

    let ids: HeaderTracer.Ids
    let parent: String?
    let context: ServiceContext
    private let state: Guarded<State>

    init(operationName: String, ids: HeaderTracer.Ids, parent: String?, context: ServiceContext) {
        self.ids = ids
        self.parent = parent
        self.context = context
        self.state = Guarded(State(operationName: operationName))
    }

    var isEnded: Bool { self.state.withLock { $0.isEnded } }
    var isRecording: Bool { !self.isEnded }

    var operationName: String {
        get { self.state.withLock { $0.operationName } }
        set { self.state.withLock { $0.operationName = newValue } }
    }

    var attributes: SpanAttributes {
        get { self.state.withLock { $0.attributes } }
        set { self.state.withLock { $0.attributes = newValue } }
    }

    func setStatus(_ status: SpanStatus) {}
    func addEvent(_ event: SpanEvent) {}
    func addLink(_ link: SpanLink) {}

    func recordError<Instant: TracerInstant>(
        _ error: any Error,
        attributes: SpanAttributes,
        at instant: @autoclosure () -> Instant
    ) {}

    func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        self.state.withLock { $0.isEnded = true }
    }
}
