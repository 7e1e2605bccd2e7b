// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoWorker
import EngineCases
import Logging

/// A worker whose tasks do nothing.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "worker", abstract: "Runs a worker of the benchmark.")

    @Option(help: "Where the coordinator listens for workers.")
    var coordinator: String

    @Option(help: "The worker's name.")
    var name: String

    @Option(help: "Leases at once.")
    var slots = 256

    @concurrent
    func run() async throws {
        var logger = Logger(label: "cano.bench") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        var catalogue = WorkCatalogue()
        try catalogue.add(OneState())
        try catalogue.add(TenStates())
        try catalogue.add(Fan())
        try catalogue.add(Stamp())
        let configuration = WorkerConfiguration {
            $0.coordinators = [self.coordinator]
            $0.name = self.name
            $0.slots = self.slots
        }
        try await Worker(configuration: configuration, catalogue: catalogue, logger: logger).run()
    }
}
