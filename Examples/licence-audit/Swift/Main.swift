// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser

/// The licence audit in Swift: embedded in this process, or as a worker of a cluster.
@main
struct Main: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "LicenceAudit",
        abstract: "Audits the licences of the packages of a Debian machine.",
        subcommands: [RunCommand.self, WorkCommand.self]
    )
}
