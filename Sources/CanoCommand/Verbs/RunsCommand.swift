// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoClient
import CanoEngine

/// `cano runs`.
struct RunsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "runs", abstract: "Lists runs, newest first.")

    @OptionGroup var client: ClientOptions

    @Option(help: "Only runs of this workflow.")
    var workflow: String?

    @Option(help: "Only runs with this status: \(RunStatus.allCases.map(\.name).joined(separator: ", ")).")
    var status: String?

    @Option(help: "Only runs older than this one: the last of the page before.")
    var before: String?

    @Option(help: "How many at most.")
    var limit = 50

    func run() async throws {
        try await self.client.show(CanoClient.request(try self.query())) { answer, style in
            var runs: [RunView] = []
            for run in try answer.array("runs") { runs.append(try RunView(JSONMembers(run, subject: "a run"))) }
            return RunText.list(runs, style)
        }
    }

    private func query() throws -> RunQuery {
        var query = RunQuery()
        query.workflow = self.workflow
        query.limit = self.limit
        query.before = try self.before.map { try RunID(argument: $0) }
        if let name = self.status {
            guard let status = RunStatus(name: name) else {
                let known = RunStatus.allCases.map(\.name).joined(separator: ", ")
                throw ValidationError("there is no status '\(name)'; there are: \(known)")
            }
            query.status = status
        }
        return query
    }
}
