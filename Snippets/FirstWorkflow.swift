// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The first page of the tutorial: two tasks, a context that they change, and a run.

// snippet.show
import Cano

struct FirstWorkflow: Workflow {
    static let name = "first-workflow"
    static let version = 1

    enum State: String, WorkflowState { case greet, shout, done }
    struct Context: Codable, Sendable {
        var guest: String
        var line = ""
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .greet: .task(Greet(), to: .shout)
        case .shout: .task(Shout(), retry: .exponential(attempts: 5), to: .done)
        case .done: .exit
        }
    }
}

struct Greet: ContextTask {
    func run(_ context: inout FirstWorkflow.Context, _ task: TaskContext) async throws {
        context.line = "hello, \(context.guest)"
    }
}

struct Shout: ContextTask {
    func run(_ context: inout FirstWorkflow.Context, _ task: TaskContext) async throws {
        context.line = context.line.uppercased() + "!"
    }
}

try await EmbeddedRunner.run(FirstWorkflow(), on: MemoryStore()) { runner in
    let run = try await runner.start(FirstWorkflow.self, context: .init(guest: "world"), key: "today")
    print(try await run.outcome().context.line)  // HELLO, WORLD!
}
