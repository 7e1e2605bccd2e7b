// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import CanoClient
import CanoEngine

/// `cano breaker NAME open|closed|release`.
struct BreakerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "breaker",
        abstract: "Forces a breaker that workflows declare, or lets it decide by itself again."
    )

    @OptionGroup var client: ClientOptions

    @Argument(help: "The breaker's name.")
    var name: String

    @Argument(help: "open: nothing goes through; closed: everything does; release: it decides by itself again.")
    var force: String

    func run() async throws {
        let name = self.name
        guard let force = BreakerForce(rawValue: self.force) else {
            let words = BreakerForce.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("a breaker cannot be told '\(self.force)': use one of \(words)")
        }
        try await self.client.show(CanoClient.request(breaker: name, force)) { _, style in
            let word = style.apply(.strong, to: force == .release ? "released" : "forced \(force.rawValue)")
            return "breaker '\(name)' is \(word)\n"
        }
    }
}
