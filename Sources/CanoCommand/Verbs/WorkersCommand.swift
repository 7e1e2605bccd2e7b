// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoClient

/// `cano workers`.
struct WorkersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers",
        abstract: "Lists the workers connected to the coordinator."
    )

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await self.client.show(APIRequest(.get, ["workers"])) { answer, style in
            var workers: [WorkerView] = []
            for worker in try answer.array("workers") {
                workers.append(try WorkerView(JSONMembers(worker, subject: "a worker")))
            }
            return WorkerText.list(workers, style)
        }
    }
}
