// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CoreMetrics
public import Tracing

/// Where a runner sends its metrics and its spans.
///
/// Metrics go to whatever `MetricsSystem` was bootstrapped with, spans to the tracer of `InstrumentationSystem`; a
/// process that bootstrapped neither pays nothing. `docs/telemetry.md` lists every metric, span and log key.
public struct Telemetry: Sendable {
    /// Who makes the metrics; `nil` for none.
    public var metrics: (any MetricsFactory)?
    /// Who makes the spans; `nil` for none.
    public var tracer: (any Tracer)?

    /// Nothing is measured.
    public static let off = Telemetry(metrics: nil, tracer: nil)

    /// What the process was bootstrapped with by now.
    public static var automatic: Telemetry {
        let factory = MetricsSystem.factory
        let tracer = InstrumentationSystem.tracer
        return Telemetry(
            metrics: factory is NOOPMetricsHandler ? nil : factory,
            tracer: tracer is NoOpTracer ? nil : tracer
        )
    }

    /// Telemetry by its parts.
    ///
    /// - Parameters:
    ///   - metrics: who makes the metrics; `nil` for none.
    ///   - tracer: who makes the spans; `nil` for none.
    public init(metrics: (any MetricsFactory)?, tracer: (any Tracer)?) {
        self.metrics = metrics
        self.tracer = tracer
    }
}
