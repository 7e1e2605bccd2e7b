// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The third page of the tutorial: a charge that is refunded when a later step fails.

// snippet.hide
import Cano

struct Payment: Codable, Sendable { var id: String }

struct Bank: Sendable {
    func charge(_ cents: Int, key: String) async throws -> Payment { Payment(id: key) }
    func refund(_ payment: Payment, key: String) async throws {}
    func find(key: String) async throws -> Payment? { nil }
}

struct Order: Workflow {
    static let name = "order"
    static let version = 1
    enum State: String, WorkflowState { case charge, refused }
    struct Context: Codable, Sendable { var cents: Int }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .charge: .task(Charge(bank: Bank()), to: .refused)
        case .refused: .exit(.failure)
        }
    }
}

// snippet.show
struct Charge: ContextTask, Compensatable {
    let bank: Bank

    func run(_ order: inout Order.Context, _ task: TaskContext) async throws -> Payment {
        try await self.bank.charge(order.cents, key: task.idempotencyKey)
    }

    func undo(_ payment: Payment?, _ task: TaskContext) async throws {
        if let payment { return try await self.bank.refund(payment, key: task.idempotencyKey) }
        // Nobody knows what became of the last attempt: look under its key, which is this one without `/undo`.
        let key = String(task.idempotencyKey.dropLast("/undo".count))
        if let found = try await self.bank.find(key: key) {
            try await self.bank.refund(found, key: task.idempotencyKey)
        }
    }
}

// snippet.hide
let definition = Order().definition()
try definition.validate()
print("\(definition.key): \(definition.digest)")
