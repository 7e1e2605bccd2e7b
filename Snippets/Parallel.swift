// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The parallel example of the README: a whole program, with the same text.

// snippet.show
import Cano
import CanoSQLite

struct Quote: Workflow {
    static let name = "quote"
    static let version = 1
    enum State: String, WorkflowState { case ask, quoted }
    struct Context: Codable, Sendable { var article: String; var cents: Int?; var isInStock: Bool? }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .ask:
            .parallel(AskPrice(), AskStock(), join: .all(within: .seconds(2)), to: .quoted) { context, results in
                let (price, stock) = results.values
                context.cents = price.value
                context.isInStock = stock.value
            }
        case .quoted: .exit
        }
    }
}
struct AskPrice: ParallelTask { func run(_ quote: Quote.Context, _ task: TaskContext) async throws -> Int { 1999 } }
struct AskStock: ParallelTask { func run(_ quote: Quote.Context, _ task: TaskContext) async throws -> Bool { true } }

let store = try await SQLiteStore.open(path: "quotes.sqlite")
try await EmbeddedRunner.run(Quote(), on: store) { runner in
    print(try await runner.start(Quote.self, context: .init(article: "lamp"), key: "lamp").outcome().context)
}
await store.close()
