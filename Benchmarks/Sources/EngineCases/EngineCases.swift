// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoSQLite
import Logging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the engine costs inside one process, case by case.
package struct EngineCases: Sendable {
    /// A folder for SQLite files; they are made.
    let folder: String
    /// How often each case is measured; the median is printed.
    let rounds: Int
    let logger: Logger

    package init(folder: String, rounds: Int) {
        self.folder = folder
        self.rounds = rounds
        var logger = Logger(label: "cano.bench") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        self.logger = logger
    }

    /// Measures these cases, or all.
    ///
    /// It leaves the main thread first: every hop between that and the others costs microseconds.
    @concurrent
    package func run(_ names: [String]) async throws {
        for (name, run) in Self.all where names.isEmpty || names.contains(name) { try await run(self) }
    }

    /// The cases by name, in the order in which they run.
    private static let all: [(name: String, run: @Sendable (EngineCases) async throws -> Void)] = [
        ("line", { try await $0.lines() }),
        ("crowd", { try await $0.crowd() }),
        ("checkpoints", { try await $0.checkpoints() }),
        ("split", { try await $0.splits() }),
        ("undo", { try await $0.rollbacks() }),
        ("disk", { try await $0.disk() }),
        ("stored-undo", { try await $0.storedRollbacks() }),
        ("store", { try await $0.stores() }),
        ("resume", { try await $0.resumes() }),
        ("heard", { try await $0.listening() }),
        ("asleep", { try await $0.suspended() }),
    ]

    func median(_ name: String, _ store: String, _ metric: String, _ measure: () async throws -> Double) async throws {
        var values: [Double] = []
        _ = try await measure()
        let busy = Self.processorSeconds()
        let wall = try await seconds { for _ in 0..<self.rounds { values.append(try await measure()) } }
        let detail = [
            ("min", Figure.text(values.min() ?? 0)), ("max", Figure.text(values.max() ?? 0)),
            ("cores", Figure.text((Self.processorSeconds() - busy) / wall)),
        ]
        Figure(name: name, store: store, metric: metric, value: values.median, detail: detail).print()
    }

    /// How long processors have worked for this process: on a busy machine it says more than the wall clock.
    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// A new SQLite store in the folder.
    func sqlite(_ name: String) async throws -> SQLiteStore {
        try await SQLiteStore.open(path: "\(self.folder)/\(name).sqlite")
    }

    static func memory() -> MemoryStore { MemoryStore(clock: SystemTime.now) }
}
