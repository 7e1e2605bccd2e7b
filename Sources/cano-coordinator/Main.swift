// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import CanoCoordinator
import CanoEngine
import FoundationEssentials
import Logging
import ServiceLifecycle

/// The command `cano-coordinator`.
@main
struct Main: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cano-coordinator",
        abstract: "Decides and remembers: owns durable runs, serves workers and an HTTP API."
    )

    @Option(help: "sqlite:PATH or a postgres:// URI (default: CANO_STORE, or a file in your data directory).")
    var store: String?

    @Option(help: "HOST:PORT where workers connect; loopback only.")
    var listen = "127.0.0.1:7227"

    @Option(help: "HOST:PORT of the HTTP API; loopback only.")
    var http = "127.0.0.1:7228"

    @Option(help: "The secret that workers and clients must show (default: CANO_TOKEN).")
    var token: String?

    @Option(help: "Seconds that a worker may be mute before it loses its leases.")
    var leaseSeconds = 15

    @Option(help: "Seconds that a coordinator may be mute before another takes its shards.")
    var shardSeconds = 10

    @Option(help: "How long runs that are over are kept, such as 30d (default: CANO_RETENTION, or for ever).")
    var retention: String?

    @Option(help: "trace, debug, info, notice, warning or error.")
    var logLevel = "info"

    func validate() throws {
        guard Logger.Level(rawValue: self.logLevel) != nil else {
            throw ValidationError("'\(self.logLevel)' is not a log level")
        }
        let seconds = 1...86_400
        guard seconds.contains(self.leaseSeconds), seconds.contains(self.shardSeconds) else {
            throw ValidationError("--lease-seconds and --shard-seconds are 1 to \(seconds.upperBound)")
        }
    }

    @concurrent
    func run() async throws {
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        var logger = Logger(label: "cano.coordinator")
        logger.logLevel = Logger.Level(rawValue: self.logLevel) ?? .info
        let environment = ProcessInfo.processInfo.environment
        let store = self.store ?? environment["CANO_STORE"] ?? StoreLocation.standard(environment: environment)
        var configuration = CoordinatorConfiguration(store: store)
        configuration.listen = self.listen
        configuration.http = self.http
        configuration.token = self.token ?? environment["CANO_TOKEN"] ?? ""
        configuration.leaseTTL = .seconds(Int64(self.leaseSeconds))
        configuration.shardTTL = .seconds(Int64(self.shardSeconds))
        do {
            configuration.retention = try CoordinatorConfiguration.retention(self.retention, environment: environment)
            let coordinator = try await Coordinator(configuration: configuration, logger: logger)
            try await CoordinatorProcess.run(coordinator, logger: logger)
        } catch let error as CanoError {
            CoordinatorProcess.complain("cano-coordinator: \(error.message)")
            throw ExitCode(1)
        }
    }
}
