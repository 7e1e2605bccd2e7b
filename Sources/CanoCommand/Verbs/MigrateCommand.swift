// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoClient
import CanoEngine

/// `cano migrate WORKFLOW`.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Puts unfinished runs of one version under another one.",
        discussion: """
            Runs that stand between two attempts or wait are moved; those in the middle of a step are named, so that \
            the command can be given again.
            """
    )

    @OptionGroup var client: ClientOptions

    @Argument(help: "The workflow's name.")
    var workflow: String

    @Option(help: "The version that the runs have.")
    var from: Int

    @Option(help: "The version that they get.")
    var to: Int

    @Option(help: "A state of the old version and the one that stands for it, such as pay=charge; may be repeated.")
    var map: [String] = []

    func run() async throws {
        var states = StateMap()
        for pair in self.map {
            guard states.add(pair) else {
                throw ValidationError("'\(pair)' is no pair of states: write it like pay=charge")
            }
        }
        let order = MigrationOrder(workflow: self.workflow, from: self.from, to: self.to, map: states)
        try await self.client.show(CanoClient.request(migrate: order)) { answer, _ in
            let report = try OrderBody.readReport(answer)
            var text = "\(report.migrated) runs have version \(self.to) now\n"
            if report.posted > 0 { text += "\(report.posted) are left to the coordinators that own them\n" }
            for refused in report.refused { text += "\(refused.run): \(refused.reason)\n" }
            return text
        }
    }
}
