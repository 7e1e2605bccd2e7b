// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine
public import Logging

/// Runs workflows durably inside this process, on a memory or SQLite store.
///
/// It is the same engine as the cluster's. Whatever a store holds unfinished goes on when the store is opened again.
///
/// ```swift
/// let store = try await SQLiteStore.open(path: "books.sqlite")
/// try await EmbeddedRunner.run(IndexBooks(), on: store) { runner in
///     let run = try await runner.start(IndexBooks.self, context: .init(shelf: "poetry"), key: "shelf-7")
///     print(try await run.outcome().context.words)
/// }
/// ```
public struct EmbeddedRunner: Sendable {
    /// How a runner behaves.
    public struct Configuration: Sendable {
        /// How many attempts may run at once (default: 64).
        public var slots = 64
        /// The bounds that everything obeys.
        public var limits = Limits()
        /// How long runs that are over are kept with their histories and keys; `nil` for ever (the default).
        public var retention: Duration?
        /// The name that the history shows for this process (default: `embedded`).
        public var name = "embedded"
        /// Who hears of what happens to runs (default: nobody, which costs nothing).
        public var observers: [any RunObserver] = []
        /// Where metrics and spans go (default: to what the process was bootstrapped with when the runner is opened).
        public var telemetry = Telemetry.automatic
        /// The time that the runner lives by.
        package var time: any HostTime = MachineTime()
        /// How long its leases of shards live; `nil` for the default.
        package var shardTTL: Span?
        /// What a test does to attempts; `nil` for nothing.
        package var interceptor: (any AttemptInterceptor)?

        /// The defaults.
        public init() {}
    }

    let host: EngineHost
    /// What was opened for it.
    var resources: Resources?

    /// Opens what the store holds, resumes every unfinished run, and runs workflows until `body` returns.
    ///
    /// Runs that are unfinished then stay in the store and go on the next time.
    ///
    /// - Parameters:
    ///   - catalogue: the workflows whose code this process has.
    ///   - store: where runs are remembered. It stays open; close it afterwards.
    ///   - configuration: slots, limits and name.
    ///   - logger: where the engine logs.
    ///   - body: starts runs and awaits them.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws; `definitionChanged` when a workflow changed without a new version;
    ///   `storeUnavailable`, `storeCorrupt` and their kin when the store cannot be used.
    public static func run<Value: Sendable>(
        _ catalogue: WorkCatalogue,
        on store: any RunStore,
        configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "cano"),
        _ body: @Sendable @escaping (EmbeddedRunner) async throws -> Value
    ) async throws -> Value {
        var numbers = SystemRandomNumberGenerator()
        let tag = String(numbers.next(), radix: 16)
        var settings = HostConfiguration(me: HostID(rawValue: "\(configuration.name)-\(tag)"))
        settings.limits = configuration.limits
        // The only worker lives and dies with its owner: nobody offers a lease of an earlier process.
        settings.limits.listenTime = Span(milliseconds: 0)
        settings.leaseTTL = Span(milliseconds: 0)
        settings.hasWorkersWithin = true
        settings.retention = configuration.retention.map(Span.init)
        settings.observers = configuration.observers
        settings.telemetry = configuration.telemetry
        settings.time = configuration.time
        if let ttl = configuration.shardTTL { settings.shardTTL = ttl }
        let host = try await EngineHost(store: store, configuration: settings, logger: logger)
        for definition in catalogue.definitions { _ = try await host.register(definition) }
        let worker = LocalWorker(
            catalogue,
            host: host,
            worker: WorkerID(rawValue: settings.me.rawValue),
            configuration: configuration,
            logger: logger
        )
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                await host.run()
                return nil
            }
            group.addTask {
                await worker.run()
                return nil
            }
            group.addTask {
                try await host.waitUntilOwner()
                return try await body(EmbeddedRunner(host: host))
            }
            defer { group.cancelAll() }
            while let value = try await group.next() {
                if let value { return value }
            }
            throw CanoError(.shuttingDown, "the runner stopped before its body returned")
        }
    }

    /// The same for one workflow.
    ///
    /// - Parameters:
    ///   - workflow: the workflow.
    ///   - store: where runs are remembered.
    ///   - configuration: slots, limits and name.
    ///   - logger: where the engine logs.
    ///   - body: starts runs and awaits them.
    /// - Returns: what `body` returns.
    /// - Throws: like ``run(_:on:configuration:logger:_:)``, and `invalidDefinition`.
    public static func run<W: Workflow, Value: Sendable>(
        _ workflow: W,
        on store: any RunStore,
        configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "cano"),
        _ body: @Sendable @escaping (EmbeddedRunner) async throws -> Value
    ) async throws -> Value {
        var catalogue = WorkCatalogue()
        try catalogue.add(workflow, limits: configuration.limits)
        return try await Self.run(catalogue, on: store, configuration: configuration, logger: logger, body)
    }

    /// Starts a run, or finds the one that has the key.
    ///
    /// - Parameters:
    ///   - workflow: the workflow; its value was given to `run`.
    ///   - context: what the start state sees.
    ///   - key: a name for the run, unique per workflow: the same key with the same context gives the same run.
    /// - Returns: a handle on the run.
    /// - Throws: `keyInUse` when the key belongs to a run with another context; `limitExceeded`; `unknownWorkflow`.
    public func start<W: Workflow>(
        _ workflow: W.Type,
        context: W.Context,
        key: String? = nil
    ) async throws -> EmbeddedRun<W> {
        let payload = try Payload(encoding: context, what: "the context of \(W.name)")
        var request = StartRequest(workflow: W.name, version: W.version, key: key, context: payload)
        request.trace = self.host.configuration.telemetry.startTrace(of: W.name)
        let caller = Caller(name: self.host.configuration.me.rawValue, via: "library")
        let before = self.host.finishes.now
        switch try await self.host.start([request], caller: caller).first {
        case .created(let id): return EmbeddedRun(id: id, isNew: true, host: self.host, before: before)
        case .existing(let id): return EmbeddedRun(id: id, isNew: false, host: self.host)
        case .refused(let error): throw error
        case nil: throw CanoError(.shuttingDown, "the runner is stopping; start the run again later")
        }
    }

    /// Puts the unfinished runs of one version under another one, as far as they stand between two attempts.
    ///
    /// - Parameters:
    ///   - workflow: the workflow's name.
    ///   - from: the version that the runs have.
    ///   - to: the version that they get; it must be registered.
    ///   - renamed: the names of states in the new version by those in the old one; others keep their names.
    /// - Returns: which runs were migrated, and which could not be, with the reason.
    /// - Throws: `unknownWorkflow`; `invalidInput` when the map does not fit both graphs.
    public func migrate(
        _ workflow: String,
        from: Int,
        to: Int,
        renamed: [String: String] = [:]
    ) async throws -> MigrationReport {
        let caller = Caller(name: self.host.configuration.me.rawValue, via: "library")
        let order = MigrationOrder(workflow: workflow, from: from, to: to, map: StateMap(renamed))
        return try await self.host.migrate(order, caller: caller)
    }

    /// A run that exists already.
    ///
    /// - Parameters:
    ///   - id: the run.
    ///   - workflow: its workflow.
    /// - Returns: a handle; whether there is such a run is found out when it is asked something.
    public func handle<W: Workflow>(_ id: RunID, of workflow: W.Type) -> EmbeddedRun<W> {
        EmbeddedRun(id: id, isNew: false, host: self.host)
    }

    /// Forces a breaker that definitions declare, or lets it decide by itself again.
    ///
    /// - Parameters:
    ///   - name: the name that the definitions give it.
    ///   - force: what is done to it.
    /// - Throws: `unknownLimit` when no work of this process has declared a breaker of that name yet.
    public func force(breaker name: String, _ force: BreakerForce) throws(CanoError) {
        guard self.host.force(breaker: name, force) else {
            throw CanoError(.unknownLimit, "no work has declared a breaker '\(name)' here; is the name right?")
        }
    }
}
