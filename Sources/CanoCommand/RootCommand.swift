// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser

/// The command `cano`.
struct RootCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cano",
        abstract: "Starts, shows and steers durable workflows.",
        discussion: """
            The exit status is 0 on success, 1 when a run or a request failed, 64 for wrong usage and 69 when no \
            coordinator can be reached.
            """,
        subcommands: [
            ApplyCommand.self, StartCommand.self, RunsCommand.self, ShowCommand.self, WatchCommand.self,
            CancelCommand.self, BreakerCommand.self, WorkersCommand.self, GraphCommand.self, DevCommand.self,
        ]
    )
}
