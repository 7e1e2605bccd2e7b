// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoClient
import CanoEngine

/// `cano skip RUN`.
struct SkipCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "skip",
        abstract: "Gives up work that blocks a run: a step fails, an undo stays undone."
    )

    @OptionGroup var work: BlockedWork

    func run() async throws {
        try await self.work.decide(.skip, done: "it is given up")
    }
}
