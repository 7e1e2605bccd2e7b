// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import CanoClient
import CanoEngine
import Testing

@testable import CanoCommand

@Suite("The command line")
struct ArgumentTests {
    @Test("a start takes workflow, context, key and version")
    func start() throws {
        let parsed = try RootCommand.parseAsRoot([
            "start", "w", "--context", #"{"a":1}"#, "--key", "k", "--version", "2", "--wait", "--json",
        ])
        let command = try #require(parsed as? StartCommand)
        #expect(command.workflow == "w")
        #expect(command.context == #"{"a":1}"#)
        #expect(command.key == "k")
        #expect(command.version == 2)
        #expect(command.wait)
        #expect(command.client.json)
    }

    @Test("a graph takes workflow, version, language and run")
    func graph() throws {
        let run = "01900000-0000-7000-8000-000000000001"
        let line = ["graph", "w", "--version", "2", "--format", "dot", "--run", run]
        let command = try #require(try RootCommand.parseAsRoot(line) as? GraphCommand)
        #expect(command.workflow == "w")
        #expect(command.version == 2)
        #expect(command.format == .dot)
        #expect(command.run == run)
        let plain = try #require(try RootCommand.parseAsRoot(["graph", "w"]) as? GraphCommand)
        #expect(plain.format == .mermaid && plain.run == nil && plain.version == nil)
    }

    @Test("a breaker is forced by its name")
    func breaker() throws {
        let parsed = try RootCommand.parseAsRoot(["breaker", "pay", "open"])
        let command = try #require(parsed as? BreakerCommand)
        #expect(command.name == "pay")
        #expect(command.force == "open")
    }

    @Test("an option goes before the environment, the environment before the default")
    func precedence() throws {
        let plain = try #require(try RootCommand.parseAsRoot(["workers"]) as? WorkersCommand)
        #expect(plain.client.configuration(environment: [:]).url == "http://127.0.0.1:7228")
        let environment = ["CANO_URL": "http://localhost:1", "CANO_TOKEN": "t", "USER": "ada"]
        let fromEnvironment = plain.client.configuration(environment: environment)
        #expect(fromEnvironment.url == "http://localhost:1")
        #expect(fromEnvironment.token == "t")
        #expect(fromEnvironment.actor == "ada")
        let line = ["workers", "--url", "http://localhost:2", "--token", "u"]
        let explicit = try #require(try RootCommand.parseAsRoot(line) as? WorkersCommand)
        #expect(explicit.client.configuration(environment: environment).url == "http://localhost:2")
        #expect(explicit.client.configuration(environment: environment).token == "u")
    }

    @Test(
        "wrong usage gives one line and 64, before anybody is asked",
        arguments: [
            ["nonsense"], ["start"], ["show", "seven"], ["start", "w", "--context", "{oops"],
            ["runs", "--status", "x"], ["graph"], ["graph", "w", "--run", "seven"], ["graph", "w", "--format", "png"],
            ["apply", "/nowhere/at-all.yaml"],
        ]
    )
    func usage(arguments: [String]) async {
        do {
            var command = try RootCommand.parseAsRoot(arguments + Self.nobody(arguments))
            if var asynchronous = command as? any AsyncParsableCommand { try await asynchronous.run() }
            try command.run()
            Issue.record("nothing was thrown")
        } catch {
            let (line, status) = CommandFailure.describe(error)
            #expect(status == 64, "\(line)")
            #expect(!line.isEmpty && !line.contains("\n"))
        }
    }

    /// An address where nobody listens: asking somebody would give 69.
    private static func nobody(_ arguments: [String]) -> [String] {
        arguments == ["nonsense"] ? [] : ["--url", "http://127.0.0.1:9"]
    }

    @Test("a failed run gives 1, a coordinator that cannot be reached 69")
    func statuses() {
        #expect(CommandFailure.describe(CanoError(.runFailed, "it failed")) == ("it failed", 1))
        #expect(CommandFailure.describe(CanoError(.keyInUse, "no")) == ("no", 1))
        #expect(CommandFailure.describe(CanoError(.unreachable, "nobody")) == ("nobody", 69))
        #expect(CommandFailure.describe(CanoError(.storeUnavailable, "away")) == ("away", 69))
    }
}
