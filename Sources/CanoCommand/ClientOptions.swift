// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoClient
import CanoEngine
import FoundationEssentials

/// What every verb that asks a coordinator understands.
struct ClientOptions: ParsableArguments {
    @Option(help: "The coordinator's URL (default: CANO_URL or http://127.0.0.1:7228).")
    var url: String?

    @Option(help: "The secret the coordinator was started with (default: CANO_TOKEN).")
    var token: String?

    @Flag(help: "Print the server's JSON, one document.")
    var json = false

    func validate() throws {
        guard let url = self.url, !url.hasPrefix("http://"), !url.hasPrefix("https://") else { return }
        throw ValidationError("'\(url)' is not an HTTP URL: write it like \(CanoClient.Configuration.defaultURL)")
    }

    /// The client's settings, the environment included.
    func configuration(environment: [String: String]) -> CanoClient.Configuration {
        CanoClient.Configuration {
            $0.url = self.url ?? environment["CANO_URL"] ?? CanoClient.Configuration.defaultURL
            $0.token = self.token ?? environment["CANO_TOKEN"]
            $0.actor = environment["USER"] ?? environment["LOGNAME"] ?? ProcessInfo.processInfo.userName
            $0.via = "cli"
        }
    }

    /// Runs `body` with a client.
    func withClient<Result: Sendable>(_ body: (CanoClient) async throws -> Result) async throws -> Result {
        let configuration = self.configuration(environment: ProcessInfo.processInfo.environment)
        return try await CanoClient.withClient(configuration, body)
    }

    /// Sends a request, then prints the JSON as it came, or what `render` makes of it.
    func show(_ request: APIRequest, _ render: (JSONMembers, Style) throws -> String) async throws {
        let answer = try await self.withClient { try await $0.send(request) }
        if self.json {
            Console.write(String(decoding: answer.bytes, as: UTF8.self) + "\n")
        } else {
            Console.write(try render(JSONMembers(answer, subject: "the answer"), Console.style))
        }
    }
}

extension RunID {
    /// Reads a run's id from the command line.
    init(argument: String) throws {
        guard let run = RunID(argument) else {
            throw ValidationError("'\(argument)' is not a run id: ids are UUIDs, as 'cano runs' lists them")
        }
        self = run
    }
}
