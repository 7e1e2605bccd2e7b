// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoClient
import CanoEngine
import CanoWorker
import Logging

/// A coordinator process, and two workers of this process that connect to it over TCP with compiled workflows.
final class Cluster: @unchecked Sendable {
    // @unchecked: one scenario uses it, and what blocks runs on threads of its own, one call after the other.

    /// The names of the workers.
    static let names = ["w1", "w2"]
    /// How long an outcome is awaited.
    static let patience = Duration.seconds(180)

    let client: CanoClient
    private let kind: StoreKind
    private let scratch: Scratch
    private let store: String
    private let coordinator: Coordinator
    private let workers: [String: CanoWorker.Worker]
    /// How workers ended that did.
    private let endings = Guarded<[String: String]>([:])

    private init(
        _ kind: StoreKind,
        _ slots: Int,
        _ options: [String],
        _ catalogue: (_ worker: String) throws -> WorkCatalogue
    ) throws {
        let scratch = try Scratch()
        let store = try kind.make(in: scratch)
        let coordinator = try Coordinator(store, options, in: scratch)
        var workers: [String: CanoWorker.Worker] = [:]
        for name in Self.names {
            let configuration = WorkerConfiguration {
                $0.coordinators = [coordinator.workers]
                $0.slots = slots
                $0.name = name
                $0.drainTimeout = .seconds(6)
            }
            let logger = Logger(label: name) { _ in SwiftLogNoOpLogHandler() }
            workers[name] = CanoWorker.Worker(
                configuration: configuration,
                catalogue: try catalogue(name),
                logger: logger
            )
        }
        let url = "http://127.0.0.1:\(coordinator.http.port)"
        self.kind = kind
        self.scratch = scratch
        self.store = store
        self.coordinator = coordinator
        self.workers = workers
        self.client = CanoClient(CanoClient.Configuration { $0.url = url })
    }

    /// Runs a scenario on an empty store, when the coordinator is ready and both workers are connected.
    ///
    /// - Parameters:
    ///   - kind: the store.
    ///   - slots: how many attempts each worker runs at once.
    ///   - options: those of the coordinator; by default a slow machine takes no lease from anybody.
    ///   - catalogue: what the worker of this name can do.
    ///   - scenario: what happens.
    /// - Throws: what the scenario throws, with the place of the logs.
    static func run(
        on kind: StoreKind,
        slots: Int = 2,
        options: [String] = ["--lease-seconds", "60"],
        catalogue: @escaping @Sendable (_ worker: String) throws -> WorkCatalogue,
        scenario: @escaping @Sendable (Cluster) async throws -> Void
    ) async throws {
        let cluster = try await onOwnThread { try Cluster(kind, slots, options, catalogue) }
        var failure: (any Error)?
        do { try await cluster.work(scenario) } catch { failure = error }
        try await cluster.client.shutdown()
        let isGood = failure == nil
        try await onOwnThread { try cluster.end(keepingLogs: !isGood) }
        guard let failure else { return }
        throw Problem("\(failure) (workers: \(cluster.ended), logs: \(cluster.scratch.path))")
    }

    private func work(_ scenario: @escaping @Sendable (Cluster) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            for (name, worker) in self.workers { group.addTask { await self.follow(worker, name) } }
            try await self.onCoordinator { coordinator in
                try coordinator.waitUntilReady()
                try wait(for: "both workers to connect; ended are \(self.ended)") {
                    try require(self.ended.isEmpty, "workers ended: \(self.ended)")
                    let connected = try coordinator.connectedWorkers().filter(\.connected)
                    return Set(connected.map(\.id)) == Set(Self.names)
                }
            }
            try await scenario(self)
        }
    }

    private func follow(_ worker: CanoWorker.Worker, _ name: String) async {
        let ending: String
        do {
            try await worker.run()
            ending = "finished"
        } catch is CancellationError {
            ending = "cancelled"
        } catch {
            ending = "\(error)"
        }
        self.endings.withLock { $0[name] = ending }
    }

    private var ended: [String: String] { self.endings.withLock { $0 } }

    private func end(keepingLogs: Bool) throws {
        self.coordinator.process.end()
        self.kind.drop(self.store, in: self.scratch)
        if !keepingLogs { try self.scratch.remove() }
    }

    // MARK: What a scenario does

    /// Asks the coordinator, on a thread of its own: that blocks.
    func onCoordinator<Value: Sendable>(
        _ body: @escaping @Sendable (Coordinator) throws -> Value
    ) async throws -> Value {
        try await onOwnThread { try body(self.coordinator) }
    }

    /// A run with its whole timeline.
    func history(of run: RunID) async throws -> RunHistory {
        try await self.onCoordinator { try $0.history(of: run.description) }
    }

    /// Kills the coordinator as `kill -9` does.
    func killCoordinator() async throws {
        try await self.onCoordinator { try $0.process.killNow() }
    }

    /// Starts the coordinator again, on the same store and addresses.
    func restartCoordinator() async throws {
        try await self.onCoordinator { coordinator in
            try coordinator.restart()
            try coordinator.waitUntilReady()
        }
    }

    /// Asks a worker to stop in order, and waits until it has.
    func drain(_ name: String) async throws {
        try require(self.workers[name], "there is no worker \(name)").drain()
        try await eventually("\(name) to finish") { self.ended[name] != nil }
        try require(self.ended[name] == "finished", "\(name) ended: \(self.ended[name] ?? "")")
    }
}
