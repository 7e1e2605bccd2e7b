// SPDX-License-Identifier: Apache-2.0 OR MIT

package import Cano
package import CanoEngine
import Hummingbird
package import Logging
import ServiceLifecycle

/// The HTTP API of a coordinator: JSON over a ``ControlPlane``.
package struct ControlService: Service {
    /// Turns the text of a workflow document, YAML or JSON, into a definition.
    package typealias DefinitionParser = @Sendable (String) throws(CanoError) -> Definition

    /// Where the API listens and whom it answers.
    package struct Configuration: Sendable {
        /// The address to bind (default: 127.0.0.1).
        package var host = "127.0.0.1"
        /// The port to bind (default: 7228); 0 lets the system choose one.
        package var port = 7228
        /// The secret that every request but the health checks must carry; `nil` for none.
        package var token: String?
        /// Names under which clients may address the API, besides loopback ones.
        package var allowedHosts: Set<String> = []
        /// The bounds of requests.
        package var limits = Limits()

        package init() {}

        package init(_ adjust: (inout Self) -> Void) {
            self.init()
            adjust(&self)
        }
    }

    private let configuration: Configuration
    private let responder: RouterResponder<BasicRequestContext>
    private let logger: Logger
    private let onListening: @Sendable (Int) async -> Void

    /// A service that has not begun to listen.
    ///
    /// - Parameters:
    ///   - plane: who answers.
    ///   - configuration: where to listen and whom to answer.
    ///   - logger: where failures of the service itself go.
    ///   - parseDefinition: reads workflow documents.
    ///   - onListening: is told the bound port.
    package init(
        _ plane: any ControlPlane,
        configuration: Configuration = Configuration(),
        logger: Logger,
        parseDefinition: @escaping DefinitionParser,
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.logger = logger
        self.onListening = onListening
        let limits = configuration.limits
        let router = Router(context: BasicRequestContext.self)
        router.addMiddleware {
            ErrorAnswers(logger: logger)
            HostGuard(allowed: configuration.allowedHosts)
            TokenGuard(token: configuration.token)
        }
        WorkflowRoutes(plane: plane, parse: parseDefinition).add(to: router)
        StartRoutes(plane: plane, limits: limits).add(to: router)
        RunRoutes(plane: plane, limits: limits).add(to: router)
        OrderRoutes(plane: plane, limits: limits).add(to: router)
        StatusRoutes(plane: plane).add(to: router)
        self.responder = router.buildResponder()
    }

    /// Serves until the surrounding service group shuts down.
    package func run() async throws {
        let onListening = self.onListening
        var logger = self.logger
        logger[metadataKey: "cano.part"] = "http"
        let application = Application(
            responder: self.responder,
            configuration: ApplicationConfiguration(
                address: .hostname(self.configuration.host, port: self.configuration.port)
            ),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) },
            logger: logger
        )
        do {
            try await application.run()
        } catch let error as CancellationError {
            throw error
        } catch {
            let address = "\(self.configuration.host):\(self.configuration.port)"
            throw CanoError(
                .unreachable,
                "cannot serve HTTP on \(address) (\(error)): choose another address with --http",
                cause: error
            )
        }
    }
}
