// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Every shape of step and task that ``IndexBooks`` does not have.
struct Shapes: Workflow {
    static let name = "shapes"
    static let version = 2
    static let start = State.decide
    static let timeout: Duration? = .seconds(600)
    enum State: String, WorkflowState { case never, route, choose, decide, list, judge, pause, failed, done }
    struct Context: Codable, Sendable, Equatable {
        var mode = "plain"
        var ratio = 1.0
        var note = ""
    }

    /// What a process gives to its workflow, such as a client.
    var greeting = "hello"

    func step(in state: State) -> Step<Self> {
        switch state {
        case .decide:
            .task(Decide(greeting: self.greeting), retry: .fixed(attempts: 2, every: .seconds(1)), to: .route, .done)
        case .route: .router(Route(), retry: .never, timeout: .seconds(5), to: .choose, .done)
        case .choose: .router(to: .list, .done, .never) { $0.note.isEmpty ? .list : .done }
        case .list:
            .split(
                over: List(),
                Square(),
                join: .partial(atLeast: 1, within: .seconds(9)),
                retry: .never,
                timeout: .seconds(3),
                losers: .keep,
                to: .judge
            )
        case .judge: .task(Judge(), to: .pause, .failed)
        case .pause: .wait(.milliseconds(1500), to: .done)
        case .never: .task(Unruly(), to: .done)
        case .failed: .exit(.failure)
        case .done: .exit
        }
    }

    struct Decide: ContextTask, Compensatable {
        static let taskName = "decide-it"
        var greeting: String
        var undoPolicy: UndoPolicy { UndoPolicy { $0.coversUnknown = false } }

        func run(_ context: inout Context, _ task: TaskContext) async throws -> State {
            context.note = self.greeting
            if context.mode == "undeclared" { return .pause }
            if context.mode == "not finite" { context.ratio = .infinity }
            if context.mode == "large" { context.note = String(repeating: "x", count: 2000) }
            return context.mode == "plain" ? .route : .done
        }

        func undo(_ decided: State?, _ task: TaskContext) async throws {}
    }

    struct Route: RouterTask {
        func route(_ context: Context, _ task: TaskContext) async throws -> State {
            context.mode == "undeclared" ? .failed : .choose
        }
    }

    struct List: ExpandTask {
        func run(_ context: Context, _ task: TaskContext) async throws -> [Int] {
            switch context.mode {
            case "many": Array(0..<101)
            case "bulky": (0..<100).map { 1_000_000_000_000_000 + $0 }
            default: [1, 2, 3]
            }
        }
    }

    struct Square: BranchTask, Compensatable {
        func run(_ item: Int, _ task: TaskContext) async throws -> String {
            item > 99 ? String(repeating: "9", count: 2000) : "\(item * item)"
        }

        func undo(_ output: String?, _ task: TaskContext) async throws {}
    }

    struct Judge: JoinTask {
        func run(_ context: inout Context, _ results: [BranchResult<String>], _ task: TaskContext) async throws -> State
        {
            context.note = results.map { $0.value ?? $0.failure?.code ?? "cancelled" }.joined(separator: ",")
            return results.contains { $0.failure != nil } ? .failed : .pause
        }
    }

    struct Unruly: ContextTask {
        struct Broken: Error, CustomStringConvertible { var description: String { "two\nlines" } }

        func run(_ context: inout Context, _ task: TaskContext) async throws {
            switch context.mode {
            case "cancellation": throw CancellationError()
            case "permanent": throw TaskFailure.permanent("no such book", code: "noBook")
            case "later": throw TaskFailure("busy", retryAfter: .seconds(7))
            case "wait": try await Task.sleep(for: .seconds(3600))
            case "stubborn":
                while !Task.isCancelled { await Task.yield() }
                throw Broken()
            default: throw Broken()
            }
        }
    }
}
