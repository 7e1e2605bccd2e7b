// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoClient
import CanoEngine

/// `cano watch RUN`.
struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Follows a run until it ends: a progress bar on a terminal, lines elsewhere.",
        discussion: "It fails unless the run succeeded."
    )

    /// How long the server waits for the run's end before it tells the progress.
    private static let pause = Duration.milliseconds(250)

    @OptionGroup var client: ClientOptions

    @Argument(help: "The run's id.")
    var id: String

    func run() async throws {
        let id = try RunID(argument: self.id)
        let run = try await self.client.withClient { client in
            let run = try await self.follow(id, client)
            if self.client.json {
                let question = CanoClient.request(run: id, after: 0, limit: nil, wait: .zero)
                let answer = try await client.patiently { try await client.send(question) }
                Console.write(String(decoding: answer.bytes, as: UTF8.self) + "\n")
            }
            return run
        }
        if !self.client.json { Console.write(RunText.outcome(run, Console.style)) }
        try CommandFailure.failUnlessSucceeded(run)
    }

    private func follow(_ id: RunID, _ client: CanoClient) async throws -> RunView {
        var progress = SplitProgress()
        var display = ProgressDisplay(style: Console.style, isLive: Console.isTerminal)
        var wait = Duration.zero
        var hasAnswer = false
        while true {
            let (seq, time) = (progress.lastSeq, wait)
            let ask = { try await client.run(id, after: seq, limit: 1000, wait: time) }
            // The first question tells at once when nobody is there; later ones wait for a coordinator to come back.
            let detail = hasAnswer ? try await client.patiently(ask) : try await ask()
            hasAnswer = true
            progress.add(detail.timeline)
            if !self.client.json {
                let running = detail.leases.count
                Console.write(display.update(detail.run, progress, running: running))
            }
            // While there are more pages, the next one is asked for at once.
            if detail.next == nil, detail.run.status.isFinished {
                if !self.client.json { Console.write(display.finish()) }
                return detail.run
            }
            wait = detail.next == nil ? Self.pause : .zero
        }
    }
}
