// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser

/// The benchmarks of Cano: `scripts/bench` runs them all.
@main
struct Main: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cano-bench",
        abstract: "Measures a coordinator and its workers, or the embedded engine.",
        subcommands: [WorkerCommand.self, ClusterCommand.self, EmbeddedCommand.self, SchedulesCommand.self]
    )
}
