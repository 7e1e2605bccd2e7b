// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoClient
import CanoEngine

/// `cano cancel RUN`.
struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Asks a run to end; what it did is undone."
    )

    @OptionGroup var client: ClientOptions

    @Argument(help: "The run's id.")
    var id: String

    func run() async throws {
        try await self.client.show(CanoClient.request(cancel: try RunID(argument: self.id))) { answer, style in
            let run = try RunView(answer)
            let status = style.status(run.status)
            return run.status.isFinished
                ? "\(run.id) had ended before: \(status)\n" : "\(run.id) is asked to end; it is \(status) now\n"
        }
    }
}
