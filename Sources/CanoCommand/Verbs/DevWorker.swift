// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoCoordinator
import CanoWorker
import Logging
import ServiceLifecycle

/// The worker of `cano dev`: it connects to the coordinator of the same process.
struct DevWorker: Service {
    let coordinator: Coordinator
    let slots: Int?
    let token: String
    let allowExec: [String]
    let allowHTTP: [String]
    let store: String
    let logger: Logger

    func run() async throws {
        guard let addresses = await self.coordinator.boundAddresses() else { return }
        var catalogue = WorkCatalogue()
        try catalogue.addBuiltIn(allowingExec: self.allowExec, allowingHTTP: self.allowHTTP)
        let configuration = WorkerConfiguration { configuration in
            configuration.coordinators = [addresses.workers]
            configuration.secret = self.token
            configuration.drainTimeout = .seconds(10)
            if let slots = self.slots { configuration.slots = slots }
        }
        Console.write(
            """
            HTTP API  http://\(addresses.http)
            workers   \(addresses.workers)
            store     \(Self.withoutPassword(self.store))
            exec      \(self.allowExec.joined(separator: " "))
            In another terminal: cano apply FILE, cano start WORKFLOW --wait, cano runs. Ctrl-C stops.

            """
        )
        try await Worker(configuration: configuration, catalogue: catalogue, logger: self.logger).run()
    }

    /// A database URI without what stands between the user's name and the host.
    static func withoutPassword(_ store: String) -> String {
        guard let scheme = store.firstRange(of: "://"), let at = store[scheme.upperBound...].lastIndex(of: "@"),
            let colon = store[scheme.upperBound..<at].firstIndex(of: ":")
        else { return store }
        return store[..<colon] + ":…" + store[at...]
    }
}
