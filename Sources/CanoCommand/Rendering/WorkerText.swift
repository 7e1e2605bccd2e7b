// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Workers as text.
enum WorkerText {
    /// A list of workers.
    static func list(_ workers: [WorkerView], _ style: Style) -> String {
        guard !workers.isEmpty else { return "no workers: start one with 'cano-worker'\n" }
        var table = Table(
            .left("WORKER"),
            .left("STATUS"),
            .right("LEASES"),
            .right("SLOTS"),
            .left("BUILD"),
            .left("HANDLERS"),
            .left("WORKFLOWS")
        )
        for worker in workers {
            let status = worker.isConnected ? worker.isDraining ? "draining" : "ready" : "away"
            table.add(
                .init(worker.id),
                .init(status, status == "ready" ? .good : .notable),
                .init(String(worker.leases)),
                .init(String(worker.slots)),
                .init(worker.build),
                .init(worker.handlers.joined(separator: " ")),
                .init(worker.definitions.joined(separator: " "))
            )
        }
        return table.render(style)
    }
}
