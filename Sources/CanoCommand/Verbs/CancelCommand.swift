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
            switch run.status {
            case .cancelled: return "\(run.id) is \(status)\n"
            case .succeeded, .failed, .timedOut: return "\(run.id) had ended before: \(status)\n"
            case .active, .waiting, .compensating, .blocked:
                return "\(run.id) is asked to end; it is \(status) now\n"
            }
        }
    }
}
