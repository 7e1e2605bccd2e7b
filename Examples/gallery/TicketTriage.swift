// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// A router reads the context and chooses the way; it changes nothing and leaves no record of its own in the way.
struct TicketTriage: Example, Workflow {
    static let name = "ticket-triage"
    static let version = 1
    static let summary = "a router, and two exits"

    enum State: String, WorkflowState { case triage, answer, escalate, closed, handedOver }
    struct Context: Codable, Sendable {
        var text: String
        var reply = ""
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .triage: .router(to: .answer, .escalate) { $0.text.contains("fire") ? .escalate : .answer }
        case .answer: .task(Reply(text: "have you tried turning it off and on again?"), to: .closed)
        case .escalate: .task(Reply(text: "somebody is on the way"), to: .handedOver)
        case .closed, .handedOver: .exit
        }
    }

    struct Reply: ContextTask {
        let text: String

        func run(_ context: inout Context, _ task: TaskContext) async throws {
            context.reply = self.text
        }
    }

    static func run() async throws {
        try await EmbeddedRunner.run(Self(), on: MemoryStore()) { runner in
            for text in ["my screen is dark", "the server room is on fire"] {
                let result = try await runner.start(Self.self, context: .init(text: text)).outcome()
                print("  \(text) → \(result.state): \(result.context.reply)")
            }
        }
    }
}
