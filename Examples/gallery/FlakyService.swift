// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Tries again what may mend itself, waits as long as the service asks for, and gives up on what cannot.
struct FlakyService: Example, Workflow {
    static let name = "flaky-service"
    static let version = 1
    static let summary = "retries with back-off, a pause that the service asks for, and an error that ends it at once"

    enum State: String, WorkflowState { case call, done }
    struct Context: Codable, Sendable {
        var request: String
        var answer = ""
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .call: .task(Call(), retry: .exponential(attempts: 5, initial: .milliseconds(10)), to: .done)
        case .done: .exit
        }
    }

    struct Call: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {
            guard !context.request.isEmpty else { throw TaskFailure.permanent("an empty request", code: "badRequest") }
            switch task.attempt {
            case 1: throw TaskFailure("503 from the service")
            case 2: throw TaskFailure("429 from the service", retryAfter: .milliseconds(30))
            default: context.answer = "attempt \(task.attempt) answered \(context.request)"
            }
        }
    }

    static func run() async throws {
        try await EmbeddedRunner.run(Self(), on: MemoryStore()) { runner in
            let good = try await runner.start(Self.self, context: .init(request: "weather")).outcome()
            print("  \(good.context.answer)")
            do {
                _ = try await runner.start(Self.self, context: .init(request: "")).outcome()
            } catch let error as CanoError {
                print("  \(error.message)")
            }
        }
    }
}
