// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoClient
import CanoEngine

/// `cano apply FILE`.
struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Registers a workflow that is written in YAML or JSON."
    )

    @OptionGroup var client: ClientOptions

    @Argument(help: "The definition; '-' for standard input.")
    var file: String

    func run() async throws {
        let text = try InputText.read(self.file)
        do {
            try await self.client.show(try CanoClient.request(apply: text)) { answer, style in
                let workflow = try WorkflowView(answer)
                let what = workflow.created == true ? style.apply(.good, to: "registered") : "known already"
                return "\(workflow.name)@\(workflow.version) \(what), \(workflow.states.count) states\n"
            }
        } catch let error as CanoError where error.code == .invalidDefinition {
            throw CanoError(error.code, "\(self.file): \(error.message)", cause: error)
        }
    }
}
