// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Reserves, sends every line in a branch of its own, and charges; the context says what goes wrong.
struct Order: Workflow {
    static let name = "order"
    static let version = 1
    enum State: String, WorkflowState { case reserve, send, charge, done }
    struct Context: Codable, Sendable, Equatable {
        var lines: [String]
        var isRefused = false
        var log: [String] = []
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .reserve: .task(Reserve(), retry: Self.quick, to: .send)
        case .send: .split(over: \.lines, Send(), retry: Self.quick, to: .charge)
        case .charge: .task(Charge(), to: .done)
        case .done: .exit
        }
    }

    static var quick: RetryPolicy {
        RetryPolicy {
            $0.maximumAttempts = 4
            $0.initialDelay = Span(milliseconds: 1)
        }
    }

    struct Reserve: ContextTask, Compensatable {
        func run(_ context: inout Context, _ task: TaskContext) async throws -> Int {
            context.log.append("reserved")
            return context.lines.count
        }

        func undo(_ lines: Int?, _ task: TaskContext) async throws {}
    }

    struct Send: BranchTask, Compensatable {
        func run(_ line: String, _ task: TaskContext) async throws -> String { "sent \(line)" }
        func undo(_ output: String?, _ task: TaskContext) async throws {}
    }

    struct Charge: JoinTask {
        func run(_ context: inout Context, _ sent: [BranchResult<String>], _ task: TaskContext) async throws {
            if context.isRefused { throw TaskFailure.permanent("the card is refused", code: "refused") }
            context.log += sent.compactMap(\.value)
        }
    }
}
