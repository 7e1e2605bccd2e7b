// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// A model asks for tools until it knows the answer; a tool that costs money waits for a person first.
///
/// The model is a local stand-in. Every turn is on record, so an agent that dies goes on with its next turn.
struct ToolAgent: Example, Workflow {
    static let name = "tool-agent"
    static let version = 1
    static let summary = "an agent loop with tool calls and an approval"

    static let approval = Signal<Approval>("approval")

    enum State: String, WorkflowState { case think, useTool, askPerson, decide, answered, stopped }
    struct Context: Codable, Sendable {
        var question: String
        var notes: [String] = []
        var tool = ""
        var answer = ""
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .think: .task(Think(), timeout: .seconds(60), to: .useTool, .askPerson, .answered)
        case .useTool: .task(UseTool(), retry: .exponential(attempts: 3), to: .think)
        case .askPerson: .wait(for: Self.approval, within: .seconds(3600), timeoutTo: .stopped, to: .decide)
        case .decide: .task(Decide(), to: .useTool, .stopped)
        case .answered, .stopped: .exit
        }
    }

    struct Think: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws -> State {
            switch context.notes.count {
            case 0:
                context.tool = "search"
                return .useTool
            case 1:
                context.tool = "buy-report"
                return .askPerson
            default:
                context.answer = "from \(context.notes.joined(separator: " and ")): 42"
                return .answered
            }
        }
    }

    struct UseTool: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {
            context.notes.append(context.tool)
        }
    }

    struct Decide: SignalTask {
        func run(_ context: inout Context, _ approval: Approval, _ task: TaskContext) async throws -> State {
            approval.approved ? .useTool : .stopped
        }
    }

    static func run() async throws {
        try await EmbeddedRunner.run(Self(), on: MemoryStore()) { runner in
            let run = try await runner.start(Self.self, context: .init(question: "what is the answer?"))
            // A signal may come before the run waits for it.
            try await run.signal(Self.approval, Approval(approved: true, by: "eva", note: "within the budget"))
            print("  \(try await run.outcome().context.answer)")
        }
    }
}
