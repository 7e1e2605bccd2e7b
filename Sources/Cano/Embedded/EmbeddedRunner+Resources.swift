// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine
public import Logging

extension EmbeddedRunner {
    /// Sets up what the workflows need, runs them until `body` returns, and tears it down when no task runs any more.
    ///
    /// ```swift
    /// try await EmbeddedRunner.run(on: store) { resources in
    ///     let database = try await resources.open(Database(url))
    ///     return try WorkCatalogue(Orders(database: database), Invoices(database: database))
    /// } body: { runner in
    ///     …
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - store: where runs are remembered. It stays open; close it afterwards.
    ///   - configuration: slots, limits and name.
    ///   - logger: where the engine logs.
    ///   - resources: opens resources and makes the workflows that use them.
    ///   - body: starts runs and awaits them.
    /// - Returns: what `body` returns.
    /// - Throws: ``ResourceError`` when a resource cannot be set up; what `body` throws; what the store throws.
    public static func run<Value: Sendable>(
        on store: any RunStore,
        configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "cano"),
        resources: (Resources) async throws -> WorkCatalogue,
        body: @Sendable @escaping (EmbeddedRunner) async throws -> Value
    ) async throws -> Value {
        try await Resources.with(logger: logger) { scope in
            let catalogue = try await resources(scope)
            return try await Self.run(catalogue, on: store, configuration: configuration, logger: logger) { runner in
                var runner = runner
                runner.resources = scope
                return try await body(runner)
            }
        }
    }

    /// How well the resources work that were opened for this runner; nothing when none were.
    ///
    /// - Returns: an entry for each resource.
    public func health() async -> HealthReport {
        await self.resources?.health() ?? HealthReport([])
    }
}
