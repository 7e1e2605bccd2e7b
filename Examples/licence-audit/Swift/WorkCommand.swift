// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoWorker
import Logging
import ServiceLifecycle
import UnixSignals

/// `LicenceAudit work`: the same workflow on a cluster.
struct WorkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work",
        abstract: "Does this workflow's work for coordinators, until it is stopped.",
        discussion: """
            It registers the workflow; start runs with: \
            cano start audit-licences --context '{"folder": "/usr/share/doc", "files": [], "counts": {}}'
            """
    )

    @Option(help: "Where a coordinator listens, as HOST:PORT; repeatable.")
    var coordinator = ["127.0.0.1:7227"]

    @Option(help: "The worker's name in timelines, unlike any other's (default: host name and process id).")
    var name: String?

    @concurrent
    func run() async throws {
        var catalogue = WorkCatalogue()
        try catalogue.add(AuditLicences())
        let configuration = WorkerConfiguration { configuration in
            configuration.coordinators = self.coordinator
            if let name = self.name { configuration.name = name }
        }
        let logger = Logger(label: "licence-audit") { StreamLogHandler.standardError(label: $0) }
        let worker = Worker(configuration: configuration, catalogue: catalogue, logger: logger)
        let group = ServiceGroup(services: [worker], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        try await group.run()
    }
}
