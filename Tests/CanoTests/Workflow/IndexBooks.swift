// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

// The example of the README, as a user writes it: with `import Cano` alone.

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

struct FetchCatalogue: ContextTask {
    func run(_ context: inout IndexBooks.Context, _ task: TaskContext) async throws {
        context.books = ["one two", "three", "four five six"]
    }
}

struct CountWords: BranchTask {
    func run(_ book: String, _ task: TaskContext) async throws -> Int {
        book.split(separator: " ").count
    }
}

struct PublishIndex: JoinTask, Compensatable {
    struct Receipt: Codable, Sendable, Equatable { var words: Int }

    func run(
        _ context: inout IndexBooks.Context,
        _ counts: [BranchResult<Int>],
        _ task: TaskContext
    ) async throws -> Receipt {
        context.words = counts.compactMap(\.value).reduce(0, +)
        return Receipt(words: context.words)
    }

    func undo(_ receipt: Receipt?, _ task: TaskContext) async throws {
        guard let receipt else { throw TaskFailure("nobody knows what was published") }
        if receipt.words == 0 { throw TaskFailure.permanent("nothing to retract") }
    }
}
