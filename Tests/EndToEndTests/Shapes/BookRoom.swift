// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

extension Signal where Payload == Approval {
    static let decision = Signal("decision")
}

/// A reservation that a person approves, and whose bill is a run of its own.
struct BookRoom: Workflow {
    static let name = "book-room"
    static let version = 1
    enum State: String, WorkflowState { case reserve, approve, decide, bill, settle, late, refused, done }
    struct Context: Codable, Sendable, Equatable {
        var amount: Int
        var log: [String] = []
    }

    let desk: Desk

    func step(in state: State) -> Step<Self> {
        switch state {
        case .reserve: .task(Reserve(desk: self.desk), to: .approve)
        case .approve: .wait(for: .decision, within: .seconds(3600), timeoutTo: .late, to: .decide)
        case .decide: .task(Decide(desk: self.desk), to: .bill, .refused)
        case .bill: .child(SendBill.self, to: .settle) { SendBill.Context(amount: $0.amount) }
        case .settle: .task(Settle(desk: self.desk), to: .done)
        case .late: .exit(.failure)
        case .refused: .exit(.failure)
        case .done: .exit
        }
    }

    struct Reserve: ContextTask, Compensatable {
        let desk: Desk

        func run(_ context: inout Context, _ task: TaskContext) async throws -> Int {
            try await self.desk.reach("reserve", task)
            return context.amount
        }

        func undo(_ amount: Int?, _ task: TaskContext) async throws {
            self.desk.note("undo reserve \(amount ?? 0)", task)
        }
    }

    struct Decide: SignalTask {
        let desk: Desk

        func run(_ context: inout Context, _ approval: Approval, _ task: TaskContext) async throws -> State {
            self.desk.note("decide", task)
            context.log.append("\(approval.approved ? "approved" : "refused") by \(approval.by)")
            return approval.approved ? .bill : .refused
        }
    }

    struct Settle: ChildTask {
        let desk: Desk

        func run(
            _ context: inout Context,
            _ bill: ChildOutcome<SendBill.Context>,
            _ task: TaskContext
        ) async throws {
            self.desk.note("settle", task)
            guard bill.isSuccess else { throw TaskFailure.permanent("the bill was not paid: \(bill.outcome)") }
            context.log.append("billed \(bill.context?.billed ?? -1)")
        }
    }
}
