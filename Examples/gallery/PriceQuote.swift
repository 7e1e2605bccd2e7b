// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Different tasks beside each other, each with a result of its own type.
struct PriceQuote: Example, Workflow {
    static let name = "price-quote"
    static let version = 1
    static let summary = "parallel tasks of different types, merged in one place"

    enum State: String, WorkflowState { case gather, quoted }
    struct Context: Codable, Sendable {
        var article: String
        var offer = ""
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .gather:
            .parallel(FetchPrice(), FetchStock(), FetchRating(), to: .quoted) { context, results in
                let (price, stock, rating) = results.values
                let availability = (stock.value ?? 0) > 0 ? "in stock" : "sold out"
                context.offer = "\(context.article): \(price.value ?? 0) cents, \(availability), \(rating.value ?? "?")"
            }
        case .quoted: .exit
        }
    }

    struct FetchPrice: ParallelTask {
        func run(_ context: Context, _ task: TaskContext) async throws -> Int { 1999 }
    }

    struct FetchStock: ParallelTask {
        func run(_ context: Context, _ task: TaskContext) async throws -> Int { 3 }
    }

    struct FetchRating: ParallelTask {
        func run(_ context: Context, _ task: TaskContext) async throws -> String { "4.5 stars" }
    }

    static func run() async throws {
        try await EmbeddedRunner.run(Self(), on: MemoryStore()) { runner in
            print("  \(try await runner.start(Self.self, context: .init(article: "lamp")).outcome().context.offer)")
        }
    }
}
