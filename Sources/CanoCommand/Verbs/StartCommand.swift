// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoClient
import CanoEngine

/// `cano start WORKFLOW`.
struct StartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Starts a run and prints its id.",
        discussion: "With --wait it prints how the run ended, and fails unless the run succeeded."
    )

    @OptionGroup var client: ClientOptions

    @Argument(help: "The workflow's name.")
    var workflow: String

    @Option(help: "The workflow's version (default: the highest).")
    var version: Int?

    @Option(help: "The run's context as JSON; '@FILE' or '-' (standard input) reads it from there.")
    var context: String?

    @Option(help: "A key: the same key and input name the same run, until it is forgotten.")
    var key: String?

    @Flag(help: "Wait until the run has ended.")
    var wait = false

    func run() async throws {
        let request = StartRequest(
            workflow: self.workflow,
            version: self.version,
            key: self.key,
            context: try InputText.json(self.context, subject: "the context")
        )
        if self.wait { return try await self.runToEnd(request) }
        try await self.client.show(CanoClient.request(start: request)) { answer, _ in
            switch try StartBody.readAnswer(answer) {
            case .created(let run): return "\(run)\n"
            case .existing(let run):
                Console.complain(Self.known)
                return "\(run)\n"
            case .refused(let error): throw error
            }
        }
    }

    private static let known = "the key belongs to this run, which was started before"

    private func runToEnd(_ request: StartRequest) async throws {
        let (answer, run) = try await self.client.withClient { client in
            let started = try await client.start(request)
            if !started.isNew { Console.complain(Self.known) }
            let run = try await client.waitUntilFinished(started.id)
            let question = CanoClient.request(run: started.id, after: 0, limit: nil, wait: .zero)
            return (try await client.patiently { try await client.send(question) }, run)
        }
        Console.write(
            self.client.json
                ? String(decoding: answer.bytes, as: UTF8.self) + "\n" : RunText.outcome(run, Console.style)
        )
        try CommandFailure.failUnlessSucceeded(run)
    }
}
