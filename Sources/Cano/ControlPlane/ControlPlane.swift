// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// What operators and clients can ask of a coordinator; the HTTP API is a thin layer over it.
package protocol ControlPlane: Sendable {
    /// Registers a definition after validating it; returns false when exactly this definition was known already.
    func apply(_ definition: Definition, caller: Caller) async throws(CanoError) -> Bool
    /// All definitions, by name, then version.
    func definitions() async throws(CanoError) -> [Definition]
    /// Starts runs; one answer for each request, in order. Throws only when none could be tried.
    func start(_ requests: [StartRequest], caller: Caller) async throws(CanoError) -> [StartAnswer]
    /// One run; throws `unknownRun`.
    func run(_ id: RunID) async throws(CanoError) -> RunSummary
    /// The same as soon as the run has ended, or when `timeout` has passed.
    func run(_ id: RunID, finishedWithin timeout: Span) async throws(CanoError) -> RunSummary
    /// Runs, newest first.
    func runs(_ query: RunQuery) async throws(CanoError) -> [RunSummary]
    /// A run's records, in order, behind `after`.
    func history(of run: RunID, after: Int, limit: Int) async throws(CanoError) -> [HistoryRow]
    /// What the run's leases are doing now, as far as this process knows.
    func liveLeases(of run: RunID) async -> [LiveLease]
    /// Which declared limits hold up the run's work now, as far as this process knows.
    func liveWaits(of run: RunID) async -> [LimitWait]
    /// Forces a breaker that definitions declare, or releases it; throws `unknownLimit`.
    func force(breaker name: String, _ force: BreakerForce, caller: Caller) async throws(CanoError)
    /// Asks a run to end; returns its summary at that moment. Throws `unknownRun`. A finished run stays as it is.
    func cancel(_ run: RunID, caller: Caller) async throws(CanoError) -> RunSummary
    /// The workers connected to this process.
    func workers() async -> [WorkerSummary]
    /// Whether this process can serve: the store answers and shards are owned.
    func readiness() async -> Readiness
}

/// Who asks, for the audit.
package struct Caller: Hashable, Sendable {
    /// Who: a name from a header, or `anonymous`.
    package var name: String
    /// Through what: `http`, `cli`, `library`.
    package var via: String

    package init(name: String, via: String) {
        self.name = name
        self.via = via
    }
}

/// The wish to start a run.
public struct StartRequest: Hashable, Sendable {
    /// The workflow's name.
    public var workflow: String
    /// The version; `nil` for the highest that is registered.
    public var version: Int?
    /// The user's key, unique per workflow; `nil` for none.
    public var key: String?
    /// The context; `nil` for the definition's own.
    ///
    /// Over HTTP it must be JSON.
    public var context: Payload?
    /// The trace that the run belongs to; over HTTP the header `traceparent` names it.
    public var trace: TraceContext?

    /// A wish from its parts.
    public init(workflow: String, version: Int? = nil, key: String? = nil, context: Payload? = nil) {
        self.workflow = workflow
        self.version = version
        self.key = key
        self.context = context
    }
}

/// What became of one start.
public enum StartAnswer: Sendable {
    /// A run was created.
    case created(RunID)
    /// The key names this run, which was started with the same input before.
    case existing(RunID)
    /// No run was created.
    case refused(CanoError)
}

/// A lease that runs now.
package struct LiveLease: Hashable, Sendable {
    /// The lease.
    package var lease: LeaseRef
    /// The state it belongs to.
    package var state: String
    /// Who holds it.
    package var worker: WorkerID
    /// Since when.
    package var since: Instant

    package init(lease: LeaseRef, state: String, worker: WorkerID, since: Instant) {
        self.lease = lease
        self.state = state
        self.worker = worker
        self.since = since
    }
}

/// A worker as lists show it.
package struct WorkerSummary: Hashable, Sendable {
    /// Who it is.
    package var worker: WorkerID
    /// The version of its program.
    package var build: String
    /// How many leases it can hold.
    package var slots: Int
    /// How many it holds.
    package var leases: Int
    /// The definitions whose code it has.
    package var definitions: [DefinitionKey]
    /// The built-in handlers it runs.
    package var handlers: [String]
    /// Whether it is connected now.
    package var isConnected: Bool
    /// Whether it takes no more leases.
    package var isDraining: Bool

    package init(
        worker: WorkerID,
        build: String,
        slots: Int,
        leases: Int,
        definitions: [DefinitionKey],
        handlers: [String],
        isConnected: Bool,
        isDraining: Bool
    ) {
        self.worker = worker
        self.build = build
        self.slots = slots
        self.leases = leases
        self.definitions = definitions
        self.handlers = handlers
        self.isConnected = isConnected
        self.isDraining = isDraining
    }
}

/// Whether a coordinator can serve.
package struct Readiness: Hashable, Sendable {
    /// Whether it can.
    package var isReady: Bool
    /// One line: why not, or what it owns.
    package var detail: String
    /// How many shards it owns.
    package var ownedShards: Int

    package init(isReady: Bool, detail: String, ownedShards: Int) {
        self.isReady = isReady
        self.detail = detail
        self.ownedShards = ownedShards
    }
}
