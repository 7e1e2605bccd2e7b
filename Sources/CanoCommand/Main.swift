// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser

@main
enum Main {
    static func main() async {
        // Everything hops between tasks, and hops from the main thread are slow: leave it first.
        let status = await Self.run(Array(CommandLine.arguments.dropFirst()))
        RootCommand.exit(withError: ExitCode(status))
    }

    /// Runs one command line and returns its exit status.
    @concurrent
    static func run(_ arguments: [String]) async -> Int32 {
        do {
            var command = try RootCommand.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return 0
        } catch {
            return CommandFailure.report(error, isJSON: arguments.contains("--json"))
        }
    }
}
