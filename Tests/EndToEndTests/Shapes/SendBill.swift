// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// The bill of a reservation; one that is negative cannot be sent.
struct SendBill: Workflow {
    static let name = "send-bill"
    static let version = 1
    enum State: String, WorkflowState { case send, done }
    struct Context: Codable, Sendable, Equatable {
        var amount: Int
        var billed = 0
    }

    let desk: Desk

    func step(in state: State) -> Step<Self> {
        switch state {
        case .send: .task(Send(desk: self.desk), to: .done)
        case .done: .exit
        }
    }

    struct Send: ContextTask {
        let desk: Desk

        func run(_ context: inout Context, _ task: TaskContext) async throws {
            self.desk.note("send", task)
            guard context.amount >= 0 else { throw TaskFailure.permanent("nobody owes \(context.amount)") }
            context.billed = context.amount
        }
    }
}
