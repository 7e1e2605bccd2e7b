// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoClient
import CanoEngine

/// `cano show RUN`.
struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows a run: what is known, its timeline, its branches."
    )

    @OptionGroup var client: ClientOptions

    @Flag(help: "Give every record a row of its own.")
    var all = false

    @Argument(help: "The run's id.")
    var id: String

    func run() async throws {
        let id = try RunID(argument: self.id)
        let detail = try await self.client.withClient { try await $0.wholeRun(id) }
        if self.client.json {
            var writer = JSONWriter()
            detail.write(to: &writer)
            return Console.write(String(decoding: writer.bytes, as: UTF8.self) + "\n")
        }
        Console.write(DetailText.page(detail, isWhole: self.all, Console.style))
    }
}

extension CanoClient {
    /// A run with all pages of its timeline in one.
    func wholeRun(_ id: RunID) async throws -> RunDetail {
        var detail = try await self.run(id, limit: 1000)
        while let next = detail.next {
            let page = try await self.run(id, after: next, limit: 1000)
            detail.run = page.run
            detail.leases = page.leases
            detail.timeline += page.timeline
            detail.next = page.next
        }
        return detail
    }
}
