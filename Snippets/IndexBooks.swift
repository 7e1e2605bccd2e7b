// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// A workflow with a split and a join: fetch a list of books, count the words of each one in a branch of its own,
// publish the sum when 80 % of the branches are done.

// snippet.hide
import Cano

// snippet.show
struct IndexBooks: Workflow {
    static let name = "index-books"
    static let version = 1
    enum State: String, WorkflowState { case fetch, count, publish, done }
    struct Context: Codable, Sendable {
        var shelf: String
        var books: [String] = []
        var words = 0
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .fetch: .task(FetchCatalogue(), retry: .exponential(attempts: 5), to: .count)
        case .count:
            .split(over: \.books, CountWords(), join: .quorum(.percent(80), within: .seconds(60)), to: .publish)
        case .publish: .task(PublishIndex(), to: .done)
        case .done: .exit
        }
    }
}

/// Gets the context and may change it.
struct FetchCatalogue: ContextTask {
    func run(_ context: inout IndexBooks.Context, _ task: TaskContext) async throws {
        context.books = ["A Study in Scarlet", "The Sign of the Four"]
    }
}

/// An item in, an output out.
struct CountWords: BranchTask {
    func run(_ book: String, _ task: TaskContext) async throws -> Int {
        book.split(separator: " ").count
    }
}

/// The context, and every branch's result.
struct PublishIndex: JoinTask, Compensatable {
    struct Receipt: Codable, Sendable { var words: Int }

    func run(
        _ context: inout IndexBooks.Context,
        _ counts: [BranchResult<Int>],
        _ task: TaskContext
    ) async throws -> Receipt {
        context.words = counts.compactMap(\.value).reduce(0, +)
        return Receipt(words: context.words)
    }

    func undo(_ receipt: Receipt?, _ task: TaskContext) async throws {
        // `nil`: nobody knows whether the last attempt published anything, so look before you retract.
    }
}

// snippet.hide
let definition = IndexBooks().definition()
try definition.validate()
print("\(definition.key): \(definition.digest)")
