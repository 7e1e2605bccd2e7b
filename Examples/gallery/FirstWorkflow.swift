// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Two tasks in a row and an exit: the smallest workflow that does something.
struct FirstWorkflow: Example, Workflow {
    static let name = "first-workflow"
    static let version = 1
    static let summary = "two tasks in a row, in memory"

    enum State: String, WorkflowState { case greet, shout, done }
    struct Context: Codable, Sendable {
        var guest: String
        var line = ""
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .greet: .task(Greet(), to: .shout)
        case .shout: .task(Shout(), to: .done)
        case .done: .exit
        }
    }

    struct Greet: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {
            context.line = "hello, \(context.guest)"
        }
    }

    struct Shout: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {
            context.line = context.line.uppercased() + "!"
        }
    }

    static func run() async throws {
        try await EmbeddedRunner.run(Self(), on: MemoryStore()) { runner in
            let result = try await runner.start(Self.self, context: .init(guest: "world")).outcome()
            print("  \(result.context.line)")
        }
    }
}
