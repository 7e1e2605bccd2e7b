// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Reserve, charge, ship; shipping fails, so the charge and then the reservation are undone.
struct OrderArticle: Workflow {
    static let name = "order-article"
    static let version = 1

    enum State: String, WorkflowState { case reserve, charge, ship, shipped }

    struct Context: Codable, Sendable { var order: String }

    let ledger: Ledger

    func step(in state: State) -> Step<Self> {
        switch state {
        case .reserve: .task(Reserve(ledger: self.ledger), to: .charge)
        case .charge: .task(Charge(ledger: self.ledger), to: .ship)
        case .ship: .task(Ship(), to: .shipped)
        case .shipped: .exit
        }
    }
}

/// Returns the reservation, which its undo gets.
struct Reserve: ContextTask, Compensatable {
    let ledger: Ledger

    func run(_ context: inout OrderArticle.Context, _ task: TaskContext) async throws -> String {
        try self.ledger.note("did", "reserve", order: context.order, task)
        return "R-\(context.order)"
    }

    func undo(_ reservation: String?, _ task: TaskContext) async throws {
        try self.ledger.note("undid", "reserve", order: reservation ?? "unknown", task)
    }
}

/// Returns the payment, which its undo gets.
struct Charge: ContextTask, Compensatable {
    let ledger: Ledger

    func run(_ context: inout OrderArticle.Context, _ task: TaskContext) async throws -> String {
        try self.ledger.note("did", "charge", order: context.order, task)
        return "P-\(context.order)"
    }

    func undo(_ payment: String?, _ task: TaskContext) async throws {
        try self.ledger.note("undid", "charge", order: payment ?? "unknown", task)
    }
}

/// Always fails, for good.
struct Ship: ContextTask {
    func run(_ context: inout OrderArticle.Context, _ task: TaskContext) async throws {
        throw TaskFailure.permanent("no carrier takes order \(context.order)", code: "noCarrier")
    }
}
