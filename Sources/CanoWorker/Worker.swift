// SPDX-License-Identifier: Apache-2.0 OR MIT

public import Cano
import CanoEngine
import FoundationEssentials
public import Logging
public import ServiceLifecycle

/// Does the work of one or more coordinators: takes leases, runs them in its slots, reports what came out.
///
/// It never touches a database. Losing a coordinator never loses an outcome: the worker keeps it until a coordinator
/// has acknowledged it.
public final class Worker: Service {
    /// How it runs.
    public let configuration: WorkerConfiguration

    private let catalogue: WorkCatalogue
    private let logger: Logger
    private let mailbox = Mailbox()

    /// A worker for the work in a catalogue.
    public init(configuration: WorkerConfiguration, catalogue: WorkCatalogue, logger: Logger) {
        self.configuration = configuration
        self.catalogue = catalogue
        self.logger = logger
    }

    /// Runs until it is asked to stop.
    ///
    /// Graceful shutdown lets it finish and hand back what it holds; cancellation does not. Call it once.
    ///
    /// - Throws: `invalidInput` for a configuration that cannot be, and what a coordinator refused it for, such as
    ///   `unauthorized`.
    @concurrent
    public func run() async throws {
        try self.configuration.validate()
        let ending = try await withGracefulShutdownHandler {
            var loop = try self.makeLoop()
            return try await loop.run()
        } onGracefulShutdown: {
            self.drain()
        }
        switch ending {
        case .drained: self.logger.info("the worker has finished")
        case .outOfTime(let unanswered):
            self.logger.warning(
                "the worker stops without an answer to all of its work",
                metadata: ["cano.leases": "\(unanswered)"]
            )
        case .refused(let code, let message):
            throw CanoError(
                CanoError.Code(name: code) ?? .unauthorized,
                "a coordinator refused this worker: \(message)"
            )
        }
    }

    /// Asks the worker to finish within the drain timeout of its configuration; ``run()`` then returns.
    public func drain() {
        self.mailbox.put(.event(.drain(within: self.configuration.drainTimeout.milliseconds)))
    }

    private func makeLoop() throws(CanoError) -> WorkerLoop {
        let limits = self.configuration.limits
        var connectors: [Connector] = []
        for text in self.configuration.coordinators {
            let link = WorkerMachine.Link(rawValue: connectors.count)
            let address = try CoordinatorAddress(text)
            connectors.append(Connector(link: link, address: address, limits: limits, mailbox: self.mailbox))
        }
        let rules = WorkerRules {
            $0.slots = self.configuration.slots
            $0.unansweredReports = max(256, self.configuration.slots * 4)
        }
        let hello = WorkerFrame.Hello(
            secret: self.configuration.secret,
            worker: WorkerID(rawValue: self.configuration.name),
            // A worker that is started again under its name has a later session than before.
            session: Int64(Date().timeIntervalSince1970 * 1000),
            definitions: self.catalogue.definitions,
            handlers: self.catalogue.builtIn.keys.sorted(),
            slots: self.configuration.slots,
            build: self.configuration.build
        )
        return WorkerLoop(
            machine: WorkerMachine(
                hello: hello,
                coordinators: self.configuration.coordinators,
                rules: rules,
                seed: UInt64.random(in: 0 ... .max)
            ),
            mailbox: self.mailbox,
            connectors: connectors,
            runner: LeaseRunner(catalogue: self.catalogue, mailbox: self.mailbox, logger: self.logger),
            logger: self.logger
        )
    }
}
