// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import CanoCoordinator
import CanoEngine
import CanoWorker
import FoundationEssentials
import Logging
import ServiceLifecycle
import UnixSignals

/// `cano dev`.
struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Runs a coordinator and a worker in this process, until Ctrl-C.",
        discussion: """
            Runs are kept in a file of your data directory and go on when you start it again. Steps may run programs \
            of the current directory, unless --allow-exec says otherwise.
            """
    )

    @Option(help: "sqlite:PATH or a postgres:// URI (default: CANO_STORE, or a file in your data directory).")
    var store: String?

    @Option(help: "HOST:PORT where more workers can connect; loopback only.")
    var listen = "127.0.0.1:7227"

    @Option(help: "HOST:PORT of the HTTP API; loopback only.")
    var http = "127.0.0.1:7228"

    @Option(help: "The secret that workers and clients must show (default: CANO_TOKEN).")
    var token: String?

    @Option(help: "How many attempts run at once (default: four for each core).")
    var slots: Int?

    @Option(parsing: .upToNextOption, help: "Files and directories whose programs steps may run (default: '.').")
    var allowExec: [String] = []

    @Option(parsing: .upToNextOption, help: "URL prefixes that steps may send requests to.")
    var allowHttp: [String] = []

    @Option(help: "How long runs that are over are kept, such as 30d (default: CANO_RETENTION, or for ever).")
    var retention: String?

    @Option(help: "trace, debug, info, notice, warning or error.")
    var logLevel = "warning"

    func validate() throws {
        guard Logger.Level(rawValue: self.logLevel) != nil else {
            throw ValidationError("'\(self.logLevel)' is not a log level: there are trace, debug, info, …")
        }
    }

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let token = self.token ?? environment["CANO_TOKEN"] ?? ""
        var logger = Logger(label: "cano.dev") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = Logger.Level(rawValue: self.logLevel) ?? .warning
        let store = self.store ?? environment["CANO_STORE"] ?? StoreLocation.standard(environment: environment)
        var configuration = CoordinatorConfiguration(store: store)
        configuration.listen = self.listen
        configuration.http = self.http
        configuration.token = token
        configuration.retention = try CoordinatorConfiguration.retention(self.retention, environment: environment)
        let coordinator = try await Coordinator(configuration: configuration, logger: logger)
        let worker = DevWorker(
            coordinator: coordinator,
            slots: self.slots,
            token: token,
            allowExec: self.allowExec.isEmpty ? [FileManager.default.currentDirectoryPath] : self.allowExec,
            allowHTTP: self.allowHttp,
            store: store,
            logger: logger
        )
        var group = ServiceGroupConfiguration(
            services: [.init(service: coordinator), .init(service: worker)],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        group.maximumGracefulShutdownDuration = .seconds(20)
        try await ServiceGroup(configuration: group).run()
    }
}
