// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoSQLite
import Logging

/// Measures the embedded runner.
struct EmbeddedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "embedded", abstract: "Measures the embedded runner.")

    @Option(help: "A file for the SQLite case; it is made.")
    var file: String

    @Option(help: "How often each case is measured; the median is printed.")
    var rounds = 5

    @concurrent
    func run() async throws {
        var logger = Logger(label: "cano.bench") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        let memory = MemoryStore(clock: SystemTime.now)
        try await self.measure("memory", memory, logger)
        let store = try await SQLiteStore.open(path: self.file)
        try await self.measure("sqlite", store, logger)
        await store.close()
    }

    /// (e) Transitions of runs of ten states, 100 at once.
    private func measure(_ name: String, _ store: any RunStore, _ logger: Logger) async throws {
        let rounds = self.rounds
        let rates = try await EmbeddedRunner.run(TenStates(), on: store, logger: logger) { runner in
            var rates: [Double] = []
            for _ in 0..<rounds {
                let took = try await seconds {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for _ in 0..<100 {
                            group.addTask {
                                for _ in 0..<10 {
                                    let run = try await runner.start(TenStates.self, context: TenStates.Context())
                                    _ = try await run.outcome()
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                }
                rates.append(10_000 / took)
            }
            return rates
        }
        Figure(name: "e", store: name, metric: "transitions/s", value: rates.median).print()
    }
}
