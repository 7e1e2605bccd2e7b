// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoSQLite
import Foundation
import UnixSignals

/// Counts until it is told to stop, and goes on counting the next time: `swift run GracefulShutdown`, then Ctrl-C, then
/// again.
@main
enum Main {
    @concurrent
    static func main() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "graceful-shutdown.sqlite").path
        let store = try await SQLiteStore.open(path: path)
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        try await EmbeddedRunner.run(CountUp(), on: store) { runner in
            let run = try await runner.start(CountUp.self, context: .init(), key: "the only one")
            print(run.isNew ? "counting begins" : "counting goes on")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for await _ in signals { return } }
                group.addTask { print("counted to \(try await run.outcome().context.number)") }
                try await group.next()
                group.cancelAll()
            }
            // Leaving the body stops the tasks that run; what they had begun is done again the next time.
        }
        await store.close()
        print("stopped")
    }
}
