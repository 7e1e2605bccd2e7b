// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
package import CanoEngine
import CanoProtocol
package import Logging
import ServiceLifecycle

/// A coordinator: the engine on a store, a port for workers and an HTTP API.
package final class Coordinator: Service {
    /// Where a coordinator can be reached.
    package struct Addresses: Hashable, Sendable {
        /// Where workers connect.
        package var workers: String
        /// Where the HTTP API is.
        package var http: String
    }

    private let host: EngineHost
    private let gateway: WorkerGateway
    private let control: ControlService
    private let addresses = Mailbox<BoundPort>()
    private let configuration: CoordinatorConfiguration
    private let logger: Logger

    private enum BoundPort: Sendable {
        case workers(String)
        case http(String)
    }

    /// Opens the store and makes everything ready; nothing listens yet.
    package init(configuration: CoordinatorConfiguration, logger: Logger) async throws(CanoError) {
        let location = try StoreLocation(configuration.store)
        let listen = try Endpoint(configuration.listen, option: "--listen")
        let http = try Endpoint(configuration.http, option: "--http")
        var numbers = SystemRandomNumberGenerator()
        var settings = HostConfiguration(me: HostID(rawValue: "coordinator-" + String(numbers.next(), radix: 16)))
        settings.leaseTTL = configuration.leaseTTL
        settings.shardTTL = configuration.shardTTL
        settings.retention = configuration.retention
        settings.limits = configuration.limits
        settings.commitLanes = location.commitLanes
        self.configuration = configuration
        self.logger = logger
        let store = try await location.open()
        self.host = try await EngineHost(store: store, configuration: settings, logger: logger)
        var server = FrameServer<WorkerFrame, CoordinatorFrame>(host: listen.host, port: listen.port)
        server.limits = configuration.limits
        self.gateway = WorkerGateway(host: self.host, server: server, secret: configuration.token, logger: logger)
        let plane = CoordinatorPlane(host: self.host, gateway: self.gateway)
        let addresses = self.addresses
        self.control = ControlService(
            plane,
            configuration: .init {
                $0.host = http.host
                $0.port = http.port
                $0.token = configuration.token.isEmpty ? nil : configuration.token
                $0.limits = configuration.limits
            },
            logger: logger,
            parseDefinition: { text throws(CanoError) in
                try WorkflowDocument.parse(text, limits: configuration.limits)
            },
            onListening: { port in addresses.post(.http("\(http.host):\(port)")) }
        )
    }

    /// Where it listens, once it does; `nil` when it stops before.
    package func boundAddresses() async -> Addresses? {
        var (workers, http): (String?, String?) = (nil, nil)
        while workers == nil || http == nil {
            guard let bound = await self.addresses.next() else { return nil }
            for address in bound {
                switch address {
                case .workers(let address): workers = address
                case .http(let address): http = address
                }
            }
        }
        guard let workers, let http else { return nil }
        return Addresses(workers: workers, http: http)
    }

    /// Owns shards, serves workers and answers requests until it is told to stop.
    ///
    /// It then gives its shards up in order, so that another coordinator can take them at once.
    package func run() async throws {
        defer { self.addresses.close() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await cancelWhenGracefulShutdown { await self.host.run() } }
            group.addTask {
                try await cancelWhenGracefulShutdown {
                    try await self.gateway.run { host, port in self.addresses.post(.workers("\(host):\(port)")) }
                }
            }
            group.addTask { try await self.control.run() }
            defer { group.cancelAll() }
            // Whoever ends first ends the others; being cancelled is how they are told to stop.
            do { try await group.next() } catch is CancellationError {}
            group.cancelAll()
            while let ended = await group.nextResult() {
                if case .failure(let error) = ended, !(error is CancellationError) { throw error }
            }
        }
        await self.host.store.close()
        self.logger.info("coordinator stopped")
    }
}
