// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoClient
import CanoEngine

/// `cano resolve RUN`.
struct ResolveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve",
        abstract: "Says that work which blocks a run was done by hand."
    )

    @OptionGroup var work: BlockedWork

    @Option(help: "What it came to, as JSON: a context for a step, an output for a branch; '@FILE' or '-' reads it.")
    var payload: String?

    @Option(help: "The state that follows a step which may choose.")
    var to: String?

    func run() async throws {
        let payload = try InputText.json(self.payload, subject: "the payload")
        try await self.work.decide(.resolve, output: payload, next: self.to, done: "it counts as done")
    }
}
