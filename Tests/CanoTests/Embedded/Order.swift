// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

extension Signal where Payload == Approval {
    static let approval = Signal("approval")
}

/// An order that a person approves, and whose bill is a run of its own.
struct Order: Workflow {
    static let name = "order"
    static let version = 1
    static let onUndoFailure = UndoFailure.block
    enum State: String, WorkflowState { case reserve, approve, decide, bill, settle, late, refused, done }
    struct Context: Codable, Sendable, Equatable {
        var amount: Int
        var log: [String] = []
    }

    let ledger: Ledger
    /// How long the approval is awaited.
    var patience = Duration.seconds(3600)

    func step(in state: State) -> Step<Self> {
        switch state {
        case .reserve: .task(Reserve(ledger: self.ledger), to: .approve)
        case .approve: .wait(for: .approval, within: self.patience, timeoutTo: .late, to: .decide)
        case .decide: .task(Decide(), to: .bill, .refused)
        case .bill: .child(Bill.self, to: .settle) { Bill.Context(amount: $0.amount) }
        case .settle: .task(Settle(), to: .done)
        case .late: .exit(.failure)
        case .refused: .exit(.failure)
        case .done: .exit
        }
    }

    struct Reserve: ContextTask, Compensatable {
        let ledger: Ledger
        var undoPolicy: UndoPolicy { UndoPolicy { $0.retry = .never } }

        func run(_ context: inout Context, _ task: TaskContext) async throws -> Int {
            self.ledger.add("reserve")
            return context.amount
        }

        func undo(_ amount: Int?, _ task: TaskContext) async throws {
            self.ledger.add("undo reserve \(amount ?? -1)")
            if self.ledger.count(of: "undo reserve \(amount ?? -1)") == 1, amount == 13 {
                throw TaskFailure.permanent("the warehouse is closed", code: "closed")
            }
        }
    }

    struct Decide: SignalTask {
        func run(_ context: inout Context, _ approval: Approval, _ task: TaskContext) async throws -> State {
            context.log.append("\(approval.approved ? "approved" : "refused") by \(approval.by)")
            return approval.approved ? .bill : .refused
        }
    }

    struct Settle: ChildTask {
        func run(
            _ context: inout Context,
            _ bill: ChildOutcome<Bill.Context>,
            _ task: TaskContext
        ) async throws {
            guard bill.isSuccess else { throw TaskFailure.permanent("the bill failed: \(bill.outcome)") }
            context.log.append("billed \(bill.context?.billed ?? -1)")
        }
    }
}

/// The bill of an order.
struct Bill: Workflow {
    static let name = "bill"
    static let version = 1
    enum State: String, WorkflowState { case send, done }
    struct Context: Codable, Sendable, Equatable {
        var amount: Int
        var billed = 0
    }

    let ledger: Ledger
    var gate: Gate?

    func step(in state: State) -> Step<Self> {
        switch state {
        case .send: .task(Send(ledger: self.ledger, gate: self.gate), to: .done)
        case .done: .exit
        }
    }

    struct Send: ContextTask {
        let ledger: Ledger
        let gate: Gate?

        func run(_ context: inout Context, _ task: TaskContext) async throws {
            try await self.gate?.pass()
            if context.amount < 0 { throw TaskFailure.permanent("nobody owes \(context.amount)") }
            context.billed = context.amount
            self.ledger.add("send")
        }
    }
}

extension Ledger {
    func count(of line: String) -> Int { self.all.filter { $0 == line }.count }
}
