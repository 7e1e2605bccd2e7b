// SPDX-License-Identifier: Apache-2.0 OR MIT

package import Cano

/// One state whose task does nothing: what is measured is the engine.
package struct OneState: Workflow {
    package static let name = "bench-one"
    package static let version = 1
    package enum State: String, WorkflowState { case work, done }
    package struct Context: Codable, Sendable {
        package init() {}
    }

    package init() {}

    package func step(in state: State) -> Step<Self> {
        switch state {
        case .work: .task(Nothing<Context>(), to: .done)
        case .done: .exit
        }
    }
}

/// Ten states in a row.
package struct TenStates: Workflow {
    package static let name = "bench-ten"
    package static let version = 1
    package enum State: String, WorkflowState { case a, b, c, d, e, f, g, h, i, j, done }
    package struct Context: Codable, Sendable {
        package init() {}
    }

    package init() {}

    package func step(in state: State) -> Step<Self> {
        let task = Nothing<Context>()
        return switch state {
        case .a: .task(task, to: .b)
        case .b: .task(task, to: .c)
        case .c: .task(task, to: .d)
        case .d: .task(task, to: .e)
        case .e: .task(task, to: .f)
        case .f: .task(task, to: .g)
        case .g: .task(task, to: .h)
        case .h: .task(task, to: .i)
        case .i: .task(task, to: .j)
        case .j: .task(task, to: .done)
        case .done: .exit
        }
    }
}

/// A split over as many items as the context says.
package struct Fan: Workflow {
    package static let name = "bench-fan"
    package static let version = 1
    package enum State: String, WorkflowState { case fan, done }
    package struct Context: Codable, Sendable {
        package var width: Int
        package init(width: Int) { self.width = width }
    }

    package init() {}

    package func step(in state: State) -> Step<Self> {
        switch state {
        case .fan: .split(over: Items(), Branch(), to: .done)
        case .done: .exit
        }
    }

    struct Items: ExpandTask {
        func run(_ context: Context, _ task: TaskContext) async throws -> [Int] { Array(0..<context.width) }
    }

    struct Branch: BranchTask {
        func run(_ item: Int, _ task: TaskContext) async throws -> Int { item }
    }
}

/// Notes when its task began.
package struct Stamp: Workflow {
    package static let name = "bench-stamp"
    package static let version = 1
    package enum State: String, WorkflowState { case work, done }
    package struct Context: Codable, Sendable {
        package var begun: ContinuousClock.Instant?
        package init() {}
    }

    package init() {}

    package func step(in state: State) -> Step<Self> {
        switch state {
        case .work: .task(Note(), to: .done)
        case .done: .exit
        }
    }

    struct Note: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws { context.begun = .now }
    }
}

/// Does nothing.
struct Nothing<Context: Codable & Sendable>: ContextTask {
    func run(_ context: inout Context, _ task: TaskContext) async throws {}
}
