// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import Foundation
import Logging

/// Runs the examples by name: `swift run Gallery word-count`, or all of them: `swift run Gallery all`.
@main
enum Main {
    static let examples: [any Example.Type] = [
        FirstWorkflow.self, WordCount.self, AdExchange.self, QuorumWrite.self, FlakyService.self, TicketTriage.self,
        GuessNumber.self, ResumedImport.self, NightlyReport.self, CancelledTrip.self, BookTrip.self, PriceQuote.self,
        PictureAlbum.self, BuildWatch.self, TableCopy.self, SensorFeed.self, ToolAgent.self, OrderWithInvoice.self,
        RateLimitedClient.self, SharedPool.self, HourlyBackup.self, InMemoryPipeline.self,
    ]

    @concurrent
    static func main() async throws {
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = .warning
            return handler
        }
        guard let wanted = CommandLine.arguments.dropFirst().first else { return print(Self.list) }
        let chosen = Self.examples.filter { wanted == "all" || $0.name == wanted }
        guard !chosen.isEmpty else {
            let message = "there is no example '\(wanted)'; these there are:\n\(Self.list)\n"
            try FileHandle.standardError.write(contentsOf: Data(message.utf8))
            exit(1)
        }
        for example in chosen {
            print("— \(example.name): \(example.summary)")
            try await example.run()
        }
    }

    private static var list: String {
        let width = Self.examples.map { $0.name.count }.max() ?? 0
        return Self.examples
            .map { $0.name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + $0.summary }
            .joined(separator: "\n")
    }
}
