// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
public import Logging

/// What the tasks of a process need: set up in order, torn down in reverse, once for all its runs.
///
/// ```swift
/// try await Resources.with { resources in
///     let database = try await resources.open(Database(url))            // a Resource of your own
///     let client = try await resources.open("http", HTTPClient()) { try await $0.shutdown() }
///     try await resources.run("postgres") { await postgres.run() }      // a service that runs beside
///     try await EmbeddedRunner.run(Orders(database: database, client: client), on: store) { runner in … }
/// }
/// ```
///
/// Opening gives back a typed value: hand it to the initialisers of your workflows and tasks, there is nothing to look
/// up. A later resource may use an earlier one. When the scope ends, whether it returns, throws or is cancelled, what
/// was opened is torn down, the newest first, and all of it even if some of it fails.
public final class Resources: Sendable {
    /// How resources are treated.
    public struct Configuration: Sendable {
        /// How long one resource may take to be torn down before its task is cancelled (default: 30 s).
        public var tearDownTimeout: Duration = .seconds(30)
        /// How long a health check may take before the resource counts as unhealthy (default: 2 s).
        public var healthTimeout: Duration = .seconds(2)
        /// By what time goes.
        public var clock = ResilienceClock.system

        /// The defaults.
        public init() {}

        /// The defaults, adjusted.
        public init(_ adjust: (inout Self) -> Void) {
            self.init()
            adjust(&self)
        }
    }

    struct Entry: Sendable {
        let name: String
        let tearDown: @Sendable () async throws -> Void
        let health: @Sendable () async throws -> Health
        /// Whether a check is under way.
        let isChecked = Guarded(false)
    }

    private struct State {
        var entries: [Entry] = []
        var names: Set<String> = []
        var isClosed = false
    }

    let configuration: Configuration
    let logger: Logger
    private let state = Guarded(State())
    /// Work that runs beside the scope: services and checks.
    let jobs = Mailbox<@Sendable () async -> Void>()

    private init(_ configuration: Configuration, _ logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    // MARK: The scope

    /// Runs `body`, then tears down what it opened.
    ///
    /// - Parameters:
    ///   - configuration: how long things may take.
    ///   - logger: where failures to tear down are told.
    ///   - body: opens resources and uses them; they must not be used behind its end.
    /// - Returns: what `body` returns; a resource that cannot be torn down is logged and changes nothing about that.
    /// - Throws: what `body` throws; ``ResourceError`` when a resource could not be set up, or when besides that error
    ///   some could not be torn down.
    public static func with<Value>(
        configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "cano"),
        _ body: (Resources) async throws -> Value
    ) async throws -> Value {
        let resources = Resources(configuration, logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            // A scope that is cancelled still stops its services in their turn.
            group.addTask { await Uncancelled.run { await resources.runJobs() } }
            let result: Result<Value, any Error>
            do { result = .success(try await body(resources)) } catch { result = .failure(error) }
            let failures = await Uncancelled.run { await resources.close() }
            group.cancelAll()
            switch result {
            case .success(let value): return value
            case .failure(let error):
                guard !failures.isEmpty else { throw error }
                var told = error as? ResourceError ?? ResourceError(resource: nil, cause: error)
                told.tearDownFailures += failures
                throw told
            }
        }
    }

    private func runJobs() async {
        await withDiscardingTaskGroup { group in
            while let jobs = await self.jobs.next() {
                for job in jobs { group.addTask { await job() } }
            }
            group.cancelAll()
        }
    }

    /// Tears everything down, the newest first.
    private func close() async -> [ResourceError.Failure] {
        let entries = self.state.withLock { state in
            state.isClosed = true
            let entries = state.entries
            state.entries = []
            return entries
        }
        var failures: [ResourceError.Failure] = []
        for entry in entries.reversed() {
            do { try await self.tearDown(entry) } catch {
                self.logger.error(
                    "resource not torn down",
                    metadata: ["resource": "\(entry.name)", "error": "\(error)"]
                )
                failures.append(ResourceError.Failure(resource: entry.name, error: error))
            }
        }
        self.jobs.close()
        return failures
    }

    private func tearDown(_ entry: Entry) async throws {
        let timeout = self.configuration.tearDownTimeout
        let late = CanoError(.limitExceeded, "it took longer than \(timeout) to be torn down")
        let clock = self.configuration.clock
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await entry.tearDown()
                return true
            }
            group.addTask {
                try await clock.sleep(until: clock.now().advanced(by: timeout))
                return false
            }
            guard let isDone = try await group.next() else { return }
            group.cancelAll()
            if !isDone { throw late }
        }
    }

    // MARK: Opening

    /// Sets a resource up.
    ///
    /// - Parameters:
    ///   - resource: the resource.
    ///   - name: its name in reports and logs (default: its type).
    /// - Returns: the resource, ready.
    /// - Throws: ``ResourceError`` when it cannot be set up, or when the name is taken.
    @discardableResult
    public func open<R: Resource>(_ resource: R, named name: String = "\(R.self)") async throws -> R {
        try self.claim(name)
        do { try await resource.setUp() } catch { throw ResourceError(resource: name, cause: error) }
        let entry = Entry(
            name: name,
            tearDown: { try await resource.tearDown() },
            health: { try await resource.health() }
        )
        try await self.add(entry)
        return resource
    }

    /// Makes something that is no ``Resource``, such as a client of another library.
    ///
    /// - Parameters:
    ///   - name: its name in reports and logs.
    ///   - make: makes it.
    ///   - tearDown: gives up what it holds.
    ///   - health: how well it works (default: always healthy).
    /// - Returns: what was made.
    /// - Throws: ``ResourceError`` when it cannot be made, or when the name is taken.
    public func open<Value: Sendable>(
        _ name: String,
        _ make: @autoclosure () async throws -> Value,
        tearDown: @escaping @Sendable (Value) async throws -> Void,
        health: @escaping @Sendable (Value) async throws -> Health = { _ in .healthy }
    ) async throws -> Value {
        try self.claim(name)
        let value: Value
        do { value = try await make() } catch { throw ResourceError(resource: name, cause: error) }
        let entry = Entry(name: name, tearDown: { try await tearDown(value) }, health: { try await health(value) })
        try await self.add(entry)
        return value
    }

    /// Runs a service beside the scope until its turn to be torn down comes; then its task is cancelled and awaited.
    ///
    /// A service that ends before that makes the process unhealthy, and says why.
    ///
    /// - Parameters:
    ///   - name: its name in reports and logs.
    ///   - service: what runs, such as the `run()` of a client or a service of ServiceLifecycle.
    /// - Throws: ``ResourceError`` when the name is taken.
    public func run(_ name: String, _ service: @escaping @Sendable () async throws -> Void) async throws {
        try self.claim(name)
        let running = RunningService(name)
        try await self.add(
            Entry(name: name, tearDown: { await running.stop() }, health: { running.health })
        )
        if !self.jobs.post({ await running.run(service) }) { running.end(nil) }
    }

    private func claim(_ name: String) throws {
        let problem = self.state.withLock { state -> String? in
            if state.isClosed { return "its scope has ended; open it inside the scope" }
            return state.names.insert(name).inserted ? nil : "there is one of this name; give this one another"
        }
        guard let problem else { return }
        throw ResourceError(resource: name, cause: CanoError(.invalidInput, problem))
    }

    /// Remembers what is to be torn down; what came too late is torn down at once.
    private func add(_ entry: Entry) async throws {
        let isOpen = self.state.withLock { state in
            if !state.isClosed { state.entries.append(entry) }
            return !state.isClosed
        }
        guard !isOpen else { return }
        try await self.tearDown(entry)
        let cause = CanoError(.shuttingDown, "its scope ended meanwhile")
        throw ResourceError(resource: entry.name, cause: cause)
    }

    var entries: [Entry] { self.state.withLock { $0.entries } }
}
