// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoEngine
import CanoWorker
import FoundationEssentials
import Logging
import ServiceLifecycle
import UnixSignals

/// The worker daemon.
@main
struct Main: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cano-worker",
        abstract: "Does the work of Cano coordinators.",
        discussion: """
            It runs programs and sends requests only where --allow-exec and --allow-http say so. Asked to stop with \
            SIGTERM or SIGINT, it takes no more work, finishes what runs, and hands the rest back.
            """
    )

    @Option(help: "Where a coordinator listens, as HOST:PORT; repeatable (default: 127.0.0.1:7227).")
    var coordinator: [String] = []

    @Option(help: "How many attempts run at once (default: four for each core).")
    var slots: Int?

    @Option(help: "The worker's name in timelines, unlike any other's (default: host name and process id).")
    var name: String?

    @Option(help: "The secret of the coordinators (default: CANO_TOKEN in the environment).")
    var token: String?

    @Option(parsing: .upToNextOption, help: "Files and directories whose programs steps may run.")
    var allowExec: [String] = []

    @Option(parsing: .upToNextOption, help: "URL prefixes that steps may send requests to.")
    var allowHttp: [String] = []

    @Option(help: "Seconds to finish what runs when asked to stop (default: 30).")
    var drainTimeout: Int?

    /// Leaves the main thread first: every hop from there costs a hundred times as much.
    @concurrent
    func run() async throws {
        let logger = Logger(label: "cano.worker") { StreamLogHandler.standardError(label: $0) }
        var catalogue = WorkCatalogue()
        try catalogue.addBuiltIn(allowingExec: self.allowExec, allowingHTTP: self.allowHttp)
        let worker = Worker(configuration: self.workerConfiguration, catalogue: catalogue, logger: logger)
        let service = ServiceGroupConfiguration.ServiceConfiguration(
            service: worker,
            successTerminationBehavior: .gracefullyShutdownGroup
        )
        let configuration = ServiceGroupConfiguration(
            services: [service],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        try await ServiceGroup(configuration: configuration).run()
    }

    private var workerConfiguration: WorkerConfiguration {
        WorkerConfiguration { configuration in
            if !self.coordinator.isEmpty { configuration.coordinators = self.coordinator }
            if let slots = self.slots { configuration.slots = slots }
            if let name = self.name { configuration.name = name }
            if let seconds = self.drainTimeout { configuration.drainTimeout = .seconds(Int64(seconds)) }
            configuration.secret = self.token ?? ProcessInfo.processInfo.environment["CANO_TOKEN"] ?? ""
        }
    }
}
