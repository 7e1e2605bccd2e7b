// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoProtocol
import Logging

/// Where workers connect: greets them, passes on what they say, and notices who is gone.
final class WorkerGateway: Sendable {
    private let host: EngineHost
    private let secret: String
    private let logger: Logger
    private let server: FrameServer<WorkerFrame, CoordinatorFrame>
    private let directory: Guarded<WorkerDirectory>
    private let connections = Guarded<[SessionID: WorkerConnection]>([:])
    /// The number of the newest connection; who holds it may let a connection in.
    private let admissions = Guarded<Int64>(0)

    init(
        host: EngineHost,
        server: FrameServer<WorkerFrame, CoordinatorFrame>,
        secret: String,
        logger: Logger
    ) {
        self.host = host
        self.server = server
        self.secret = secret
        self.logger = logger
        let ttl = host.configuration.leaseTTL
        // A worker whose connection broke comes back within a second; one that died does not.
        let grace = min(Span(milliseconds: ttl.milliseconds / 5), .seconds(3))
        self.directory = Guarded(WorkerDirectory(ttl: ttl, grace: grace))
    }

    /// Listens until the task is cancelled.
    func run(onBound: @Sendable (String, Int) async -> Void) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { await self.watch() }
            try await self.server.run(
                onBound: onBound,
                onFailure: { peer, error in
                    self.logger.info("connection ended", metadata: ["peer": "\(peer)", "error": "\(error)"])
                },
                handle: { wire in try await self.serve(wire) }
            )
            group.cancelAll()
        }
    }

    /// The workers, for people.
    var workers: [WorkerSummary] {
        self.directory.withLock { $0.entries }.values
            .map { entry in
                WorkerSummary(
                    worker: entry.hello.worker,
                    build: entry.hello.build,
                    slots: entry.hello.slots,
                    leases: entry.leases.count,
                    definitions: entry.hello.definitions.map(\.key),
                    handlers: entry.hello.handlers,
                    isConnected: entry.connection != nil,
                    isDraining: entry.isDraining
                )
            }
            .sorted { $0.worker.rawValue < $1.worker.rawValue }
    }

    /// What workers hold of a run.
    func leases(of run: RunID) -> [LiveLease] {
        self.directory.withLock { $0.entries }
            .flatMap { worker, entry in
                entry.leases.filter { $0.key.key.run == run }
                    .map { lease, holding in
                        let since = self.host.clock.stored(holding.since)
                        return LiveLease(lease: lease, state: holding.state, worker: worker, since: since)
                    }
            }
            .sorted { $0.lease.token < $1.lease.token }
    }

    // MARK: One connection

    private func serve(_ wire: WorkerConnection.Wire) async throws {
        var connection: WorkerConnection?
        defer { if let connection { self.leave(connection) } }
        for try await frames in wire.inbound {
            for frame in frames {
                if let connection {
                    try self.hear(frame, from: connection)
                } else if case .hello(let hello) = frame {
                    do { connection = try await self.admit(hello, wire) } catch let error as CanoError {
                        wire.refuse(error)
                        throw error
                    }
                } else {
                    let error = CanoError(.protocolViolation, "the first frame must be Hello; see cano.proto")
                    wire.refuse(error)
                    throw error
                }
            }
        }
    }

    private func admit(_ hello: WorkerFrame.Hello, _ wire: WorkerConnection.Wire) async throws -> WorkerConnection {
        guard Self.matches(hello.secret, self.secret) else {
            throw CanoError(
                .unauthorized,
                "worker '\(hello.worker.rawValue)' has a wrong token; give it the coordinator's"
            )
        }
        for definition in hello.definitions { _ = try await self.host.register(definition) }
        return try self.admissions.withLock { last throws(CanoError) in
            last += 1
            return try self.enter(hello, wire, as: SessionID(rawValue: last))
        }
    }

    /// Makes a connection its worker's only one; called for one connection after the other, so that directory and host
    /// agree about which is the newest.
    private func enter(
        _ hello: WorkerFrame.Hello,
        _ wire: WorkerConnection.Wire,
        as id: SessionID
    ) throws(CanoError) -> WorkerConnection {
        let clock = self.host.clock
        let connection = WorkerConnection(
            id: id,
            worker: hello.worker,
            wire: wire,
            directory: self.directory,
            clock: clock
        )
        switch self.directory.withLock({ $0.greet(hello, on: id, at: clock.monotonic()) }) {
        case .outdated:
            let message =
                "a newer connection of worker '\(hello.worker.rawValue)' is here; give each worker its own name"
            throw CanoError(.protocolViolation, message)
        case .welcome(let replaced):
            if let replaced {
                self.connections.withLock { $0[replaced] }?.close()
                self.host.disconnect(replaced, worker: hello.worker)
            }
        }
        self.connections.withLock { $0[id] = connection }
        let limits = self.host.configuration.limits
        let welcome = CoordinatorFrame.Welcome(
            ttl: self.host.configuration.leaseTTL,
            frameBytes: limits.frameBytes,
            payloadBytes: limits.payloadBytes
        )
        connection.send([.welcome(welcome)])
        let capabilities = hello.definitions.map { Capability.compiled(digest: $0.digest) }
        self.host.connect(connection, capabilities: capabilities + hello.handlers.map(Capability.handler))
        self.logger.info("worker connected", metadata: ["worker": "\(hello.worker.rawValue)", "peer": "\(wire.peer)"])
        return connection
    }

    /// Compares in a time that does not depend on where the texts differ.
    private static func matches(_ given: String, _ expected: String) -> Bool {
        let (given, expected) = (Array(given.utf8), Array(expected.utf8))
        var difference = given.count ^ expected.count
        for index in given.indices { difference |= Int(given[index] ^ (index < expected.count ? expected[index] : 0)) }
        return difference == 0
    }

    private func hear(_ frame: WorkerFrame, from connection: WorkerConnection) throws {
        let (id, worker) = (connection.id, connection.worker)
        let now = self.host.clock.monotonic()
        guard self.directory.withLock({ $0.heard(worker, on: id, at: now) }) else {
            throw CanoError(
                .protocolViolation,
                "this connection of worker '\(worker.rawValue)' was replaced or given up"
            )
        }
        switch frame {
        case .hello: throw CanoError(.protocolViolation, "worker '\(worker.rawValue)' greeted twice")
        case .credit(let count): self.credit(count, from: connection)
        case .started(let leases): self.host.started(leases)
        case .reports(let reports):
            let leases = reports.map(\.lease)
            self.directory.withLock { _ = $0.releases(worker, leases) }
            self.host.reports(reports, from: id, worker: worker)
        case .heartbeat(let number): connection.send([.heartbeat(number)])
        case .resume(let leases): self.host.offered(leases, from: id, worker: worker)
        case .progress(let lease, let line):
            self.logger.debug("progress", metadata: ["run": "\(lease.key.run)", "line": "\(line)"])
        case .draining:
            self.directory.withLock { $0.drains(worker) }
            let credit = self.host.drain(id)
            if credit > 0 { connection.send([.recalled(credit)]) }
        }
    }

    private func credit(_ count: Int, from connection: WorkerConnection) {
        let limit = self.host.configuration.limits.leasesPerWorker
        let count = min(count, limit)
        guard count > 0 else { return }
        // Whoever owns nothing has no use for credit: it may go to the owner.
        if self.host.owned.isEmpty { return connection.send([.recalled(count)]) }
        self.host.credit(connection.id, count)
    }

    private func leave(_ connection: WorkerConnection) {
        let now = self.host.clock.monotonic()
        self.directory.withLock { $0.closed(connection.worker, on: connection.id, at: now) }
        _ = self.connections.withLock { $0.removeValue(forKey: connection.id) }
        self.host.disconnect(connection.id, worker: connection.worker)
        self.logger.info("worker disconnected", metadata: ["worker": "\(connection.worker.rawValue)"])
    }

    // MARK: Time

    private func watch() async {
        var ticks = 0
        while !Task.isCancelled {
            // A cancelled sleep means that the process stops.
            do { try await Task.sleep(for: .milliseconds(200)) } catch { return }
            let now = self.host.clock.monotonic()
            for departure in self.directory.withLock({ $0.tick(at: now) }) { self.depart(departure) }
            ticks += 1
            if ticks % 5 == 0 { self.recallCredit() }
        }
    }

    private func depart(_ departure: WorkerDirectory.Departure) {
        self.logger.notice(
            "worker lost",
            metadata: [
                "worker": "\(departure.worker.rawValue)",
                "reason": "\(departure.reason.rawValue)",
                "leases": "\(departure.leases.count)",
            ]
        )
        // First nothing more may be granted on that connection, then what it had is lost.
        if let id = departure.connection { self.host.disconnect(id, worker: departure.worker) }
        self.host.lost(departure.leases, departure.reason)
        guard let id = departure.connection, let connection = self.connections.withLock({ $0[id] }) else { return }
        // A worker that wakes up again learns there what it has lost.
        connection.send([.lost(departure.leases)])
        connection.close()
    }

    /// Gives credit back that has no use here, once a second, unless every shard is ours: other owners may have work.
    private func recallCredit() {
        guard self.host.owned.count < ShardID.count else { return }
        for (id, credit) in self.host.recallIdleCredit() {
            self.connections.withLock { $0[id] }?.send([.recalled(credit)])
        }
    }
}
