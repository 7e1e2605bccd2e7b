// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import EngineCases

/// Measures the engine inside one process: without a store, on the memory store, on SQLite.
struct EmbeddedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embedded",
        abstract: "Measures the engine inside one process."
    )

    @Option(help: "A folder for SQLite files; they are made.")
    var folder: String

    @Option(help: "How often each case is measured; the median is printed.")
    var rounds = 5

    @Option(
        parsing: .upToNextOption,
        help: "Which: line crowd checkpoints split undo disk stored-undo store resume heard asleep (default: all)."
    )
    var cases: [String] = []

    @concurrent
    func run() async throws {
        try await EngineCases(folder: self.folder, rounds: self.rounds).run(self.cases)
    }
}
