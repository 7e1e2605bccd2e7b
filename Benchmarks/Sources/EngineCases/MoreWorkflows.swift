// SPDX-License-Identifier: Apache-2.0 OR MIT

package import Cano

/// A hundred states in a row, each with a task that does nothing.
package struct HundredStates: Workflow {
    package static let name = "bench-hundred"
    package static let version = 1
    package struct State: WorkflowState {
        package static let allCases = (0...100).map { State(number: $0) }
        package let rawValue: String
        private let number: Int

        init(number: Int) {
            self.number = number
            self.rawValue = "s\(number)"
        }

        package init?(rawValue: String) {
            guard rawValue.first == "s", let number = Int(rawValue.dropFirst()) else { return nil }
            self.init(number: number)
        }

        var next: State? { self.number < 100 ? State(number: self.number + 1) : nil }
    }
    package struct Context: Codable, Sendable {
        package init() {}
    }

    package init() {}

    package func step(in state: State) -> Step<Self> {
        state.next.map { .task(Nothing<Context>(), to: $0) } ?? .exit
    }
}

/// Ten states in a row; whoever did the first does the others in the same report.
struct TenLocalStates: Workflow {
    static let name = "bench-local"
    static let version = 1
    typealias State = TenStates.State
    struct Context: Codable, Sendable {}

    func step(in state: State) -> Step<Self> {
        let task = Nothing<Context>()
        return switch state {
        case .a: .task(task, to: .b)
        case .b: .task(task, to: .c).local
        case .c: .task(task, to: .d).local
        case .d: .task(task, to: .e).local
        case .e: .task(task, to: .f).local
        case .f: .task(task, to: .g).local
        case .g: .task(task, to: .h).local
        case .h: .task(task, to: .i).local
        case .i: .task(task, to: .j).local
        case .j: .task(task, to: .done).local
        case .done: .exit
        }
    }
}

/// Ten steps that can be undone, then one that fails.
struct Rollback: Workflow {
    static let name = "bench-rollback"
    static let version = 1
    enum State: String, WorkflowState { case a, b, c, d, e, f, g, h, i, j, fail, done }
    struct Context: Codable, Sendable {}

    func step(in state: State) -> Step<Self> {
        let task = Undoable()
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
        case .j: .task(task, to: .fail)
        case .fail: .task(Failing(), retry: .never, to: .done)
        case .done: .exit
        }
    }

    struct Undoable: ContextTask, Compensatable {
        func run(_ context: inout Context, _ task: TaskContext) async throws -> Int { 1 }
        func undo(_ output: Int?, _ task: TaskContext) async throws {}
    }

    struct Failing: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws { throw TaskFailure.permanent("enough") }
    }
}

/// Goes round until it has done so often enough, then waits for somebody to cancel it.
struct Rounds: Workflow {
    static let name = "bench-rounds"
    static let version = 1
    enum State: String, WorkflowState { case go, hold, done }
    struct Context: Codable, Sendable {
        var count = 0
        var enough: Int
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .go: .task(Go(), to: .go, .hold)
        case .hold: .task(Hold(), to: .done)
        case .done: .exit
        }
    }

    struct Go: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws -> State {
            context.count += 1
            return context.count < context.enough ? .go : .hold
        }
    }

    struct Hold: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {
            try await Task.sleep(for: .seconds(3600))
        }
    }
}

/// Waits for a day.
struct Waiting: Workflow {
    static let name = "bench-waiting"
    static let version = 1
    enum State: String, WorkflowState { case wait, done }
    struct Context: Codable, Sendable {}

    func step(in state: State) -> Step<Self> {
        switch state {
        case .wait: .wait(.seconds(86_400), to: .done)
        case .done: .exit
        }
    }
}
