// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoClient
import CanoEngine

/// `cano signal RUN NAME`.
struct SignalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signal",
        abstract: "Tells a run something that it waits for, now or later."
    )

    @OptionGroup var client: ClientOptions

    @Argument(help: "The run's id.")
    var id: String

    @Argument(help: "The signal's name.")
    var name: String

    @Option(help: "What it says, as JSON (default: null); '@FILE' or '-' (standard input) reads it from there.")
    var payload: String?

    @Option(name: .customLong("id"), help: "An id of the signal: one with the same id counts once.")
    var signalID: String?

    func run() async throws {
        let payload = try InputText.json(self.payload, subject: "the payload") ?? .json("null")
        let signal = RunSignal(name: self.name, payload: payload, id: self.signalID)
        let request = CanoClient.request(signal: signal, to: try RunID(argument: self.id))
        try await self.client.show(request) { answer, _ in
            switch try OrderBody.readAnswer(answer) {
            case .done: "the run has the signal '\(self.name)'\n"
            case .unchanged: "the run had this signal already\n"
            case .posted: "the signal is on its way to the coordinator that owns the run\n"
            }
        }
    }
}
