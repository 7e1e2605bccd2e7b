// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoTesting
import Testing
import Tracing

@Suite("Traces of runs")
struct TracingTests {
    @Test("F-TRC-01: a run's attempts and its end are spans of the trace in which it was started")
    func spans() async throws {
        let tracer = HeaderTracer()
        let store = MemoryStore(clock: WallClock.now)
        let caller = HeaderTracer.Ids(trace: "11111111111111111111111111111111", span: "2222222222222222")
        let run = try await EmbeddedRunner.run(Traced(), on: store, configuration: Self.configuration(tracer)) {
            runner in
            var context = ServiceContext.topLevel
            context[HeaderTracer.Key.self] = caller
            let run = try await ServiceContext.withValue(context) {
                try await runner.start(Traced.self, context: .init())
            }
            let seen = try await run.outcome().context.seen
            // Code of a task is in its attempt's span, and knows the run's trace.
            #expect(seen == [caller.trace, caller.trace])
            return run.id
        }
        let spans = tracer.spans
        #expect(spans.map(\.operationName) == ["cano.start", "cano.attempt", "cano.attempt", "cano.run"])
        #expect(spans.allSatisfy { $0.ids.trace == caller.trace })
        #expect(spans[0].parent == caller.span)
        #expect(spans.dropFirst().allSatisfy { $0.parent == spans[0].ids.span })
        #expect(spans.allSatisfy { $0.isEnded })
        #expect(spans[1].attributes["cano.run"]?.toSpanAttribute() == .string("\(run)"))
        #expect(spans[1].attributes["cano.state"]?.toSpanAttribute() == .string("first"))
        #expect(spans[3].attributes["cano.outcome"]?.toSpanAttribute() == .string("succeeded"))
    }

    @Test("F-TRC-04: a run that goes on in another process continues its trace")
    func resumed() async throws {
        let data = MemoryStore(clock: WallClock.now)
        let dying = CrashingStore(data, at: .beforeAttempt(2))
        let first = HeaderTracer()
        var configuration = Self.configuration(first)
        configuration.crash(with: dying)
        let before = configuration
        _ = try await dying.lifetime {
            try await EmbeddedRunner.run(Traced(), on: dying, configuration: before) { runner in
                try await runner.start(Traced.self, context: .init(), key: "k").outcome().context
            }
        }
        let second = HeaderTracer()
        let store = CrashingStore(data)
        configuration = Self.configuration(second)
        configuration.crash(with: store)
        try await EmbeddedRunner.run(Traced(), on: store, configuration: configuration) { runner in
            let key = RunKey(workflow: Traced.name, key: "k")
            let id = try #require(try await store.run(forKey: key)?.run)
            _ = try await runner.handle(id, of: Traced.self).outcome()
        }
        #expect(first.spans.map(\.operationName) == ["cano.start", "cano.attempt"])
        #expect(second.spans.map(\.operationName) == ["cano.attempt", "cano.run"])
        #expect(second.spans.allSatisfy { $0.ids.trace == first.spans[0].ids.trace })
        #expect(second.spans.allSatisfy { $0.parent == first.spans[0].ids.span })
    }

    @Test("without a tracer a run has no trace, and nothing is stored for it")
    func untraced() async throws {
        let store = MemoryStore(clock: WallClock.now)
        let observer = RecordingObserver()
        var configuration = EmbeddedRunner.Configuration()
        configuration.telemetry = .off
        configuration.observers = [observer]
        try await EmbeddedRunner.run(Traced(), on: store, configuration: configuration) { runner in
            let run = try await runner.start(Traced.self, context: .init())
            _ = try await run.outcome()
            let rows = await store.history(of: run.id, after: 0, limit: 100)
            #expect(rows.filter { $0.kind == .started || $0.kind == .entered }.allSatisfy { $0.reason == nil })
        }
        #expect(observer.events.allSatisfy { $0.trace == nil })
    }

    private static func configuration(_ tracer: HeaderTracer) -> EmbeddedRunner.Configuration {
        var configuration = EmbeddedRunner.Configuration()
        configuration.telemetry = Telemetry(metrics: nil, tracer: tracer)
        return configuration
    }
}

/// Two tasks that write down which trace they are in.
struct Traced: Workflow {
    static let name = "traced"
    static let version = 1
    enum State: String, WorkflowState { case first, second, done }
    struct Context: Codable, Sendable { var seen: [String] = [] }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .first: .task(Look(), to: .second)
        case .second: .task(Look(), to: .done)
        case .done: .exit
        }
    }

    struct Look: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {
            let current = ServiceContext.current?[HeaderTracer.Key.self]?.trace ?? "none"
            let stored = task.trace?.traceparent.dropFirst(3).prefix(32) ?? "none"
            if current == stored { context.seen.append(current) }
        }
    }
}
