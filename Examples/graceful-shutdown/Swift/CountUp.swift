// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Counts to a hundred, one number a visit, ten numbers a second.
struct CountUp: Workflow {
    static let name = "count-up"
    static let version = 1
    enum State: String, WorkflowState { case count, done }
    struct Context: Codable, Sendable { var number = 0 }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .count: .task(Count(), to: .count, .done)
        case .done: .exit
        }
    }

    struct Count: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws -> State {
            try await Task.sleep(for: .milliseconds(100))
            context.number += 1
            if context.number % 10 == 0 { print(context.number) }
            return context.number < 100 ? .count : .done
        }
    }
}
