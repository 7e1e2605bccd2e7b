// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoClient
import CanoEngine

/// `cano retry RUN`.
struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Tries work again that blocks a run, with all its attempts."
    )

    @OptionGroup var work: BlockedWork

    func run() async throws {
        try await self.work.decide(.retry, done: "it is tried again")
    }
}
