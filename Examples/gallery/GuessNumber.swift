// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// A loop: the same state is visited again and again, and every visit has its own records and idempotency keys.
struct GuessNumber: Example, Workflow {
    static let name = "guess-number"
    static let version = 1
    static let summary = "a loop that halves an interval until it has found the number"

    enum State: String, WorkflowState { case guess, found }
    struct Context: Codable, Sendable {
        var secret: Int
        var low = 1
        var high = 1000
        var guesses: [Int] = []
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .guess: .task(Guess(), to: .guess, .found)
        case .found: .exit
        }
    }

    struct Guess: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws -> State {
            let guess = (context.low + context.high) / 2
            context.guesses.append(guess)
            if guess == context.secret { return .found }
            if guess < context.secret { context.low = guess + 1 } else { context.high = guess - 1 }
            return .guess
        }
    }

    static func run() async throws {
        try await EmbeddedRunner.run(Self(), on: MemoryStore()) { runner in
            let result = try await runner.start(Self.self, context: .init(secret: 667)).outcome()
            print("  \(result.context.guesses.map(String.init).joined(separator: ", "))")
        }
    }
}
