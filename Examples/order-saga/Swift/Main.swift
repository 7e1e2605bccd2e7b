// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoSQLite

/// The order saga in Swift, embedded in this process.
@main
struct Main: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "OrderSagaExample",
        abstract: "Places an order whose shipping fails, and prints the ledger: done, done, undone, undone."
    )

    @Argument(help: "The file of the ledger.")
    var ledger: String

    @Option(help: "The SQLite file that remembers the order.")
    var store = "order-saga.sqlite"

    @Option(help: "The order's number.")
    var order = "4711"

    @concurrent
    func run() async throws {
        let ledger = Ledger(path: self.ledger)
        let store = try await SQLiteStore.open(path: self.store)
        let order = self.order
        try await EmbeddedRunner.run(OrderArticle(ledger: ledger), on: store) { runner in
            let run = try await runner.start(OrderArticle.self, context: .init(order: order), key: order)
            do {
                _ = try await run.outcome()
            } catch let error as CanoError where error.code == .runFailed {
                print(error.message)
            }
        }
        await store.close()
        for line in try ledger.lines() { print(line) }
    }
}
