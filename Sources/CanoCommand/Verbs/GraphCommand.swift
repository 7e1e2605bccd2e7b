// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoClient
import CanoEngine

/// `cano graph NAME`.
struct GraphCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "Prints a workflow as a graph, in the language of Mermaid or Graphviz.",
        discussion: "With --run it marks the run's way: what it visited, how often, and where it is."
    )

    /// A language that draws graphs.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case mermaid, dot
    }

    @OptionGroup var client: ClientOptions

    @Argument(help: "The workflow's name.")
    var workflow: String

    @Option(help: "The workflow's version (default: the run's, or the highest).")
    var version: Int?

    @Option(help: "mermaid or dot.")
    var format = Format.mermaid

    @Option(help: "A run whose way is marked.")
    var run: String?

    func run() async throws {
        let run = try self.run.map { try RunID(argument: $0) }
        let (detail, way) = try await self.client.withClient { client in
            let way = if let run { try await client.wholeRun(run) } else { RunDetail?.none }
            if let way { try self.check(way.run) }
            let version = self.version ?? way?.run.version
            return (try await client.workflow(self.workflow, version: version), way)
        }
        if self.client.json {
            var writer = JSONWriter()
            detail.write(to: &writer)
            return Console.write(String(decoding: writer.bytes, as: UTF8.self) + "\n")
        }
        let trail = way.map { GraphTrail($0.timeline) }
        let graph = detail.definition.graph
        switch self.format {
        case .mermaid: Console.write(graph.mermaid(trail))
        case .dot: Console.write(graph.dot(trail))
        }
    }

    private func check(_ run: RunView) throws {
        guard run.workflow != self.workflow || (self.version ?? run.version) != run.version else { return }
        throw ValidationError("run \(run.id) is one of \(run.workflow)@\(run.version): name that workflow and version")
    }
}
