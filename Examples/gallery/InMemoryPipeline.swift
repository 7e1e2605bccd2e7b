// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// The same workflow without a store: run in the caller's own task, as quick as it gets, and gone with it.
struct InMemoryPipeline: Example, Workflow {
    static let name = "in-memory-pipeline"
    static let version = 1
    static let summary = "a workflow run directly, without a store"

    enum State: String, WorkflowState { case double, stop }
    struct Context: Codable, Sendable { var number: Int }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .double: .task(Twice(), to: .double, .stop)
        case .stop: .exit
        }
    }

    struct Twice: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws -> State {
            context.number *= 2
            return context.number < 1_000_000 ? .double : .stop
        }
    }

    static func run() async throws {
        let result = try await Self().run(Context(number: 1))
        print("  \(result.context.number)")
    }
}
