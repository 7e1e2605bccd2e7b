// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import Logging

/// Charge and ship; an order that cannot be shipped is refunded.
struct PlaceOrder: Workflow {
    static let name = "place-order"
    static let version = 1
    enum State: String, WorkflowState { case charge, ship, shipped }
    struct Context: Codable, Sendable {
        var number: String
        var cents: Int
        var parcel: String?
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .charge: .task(Charge(), retry: .exponential(attempts: 3), to: .ship)
        case .ship: .task(Ship(), retry: .exponential(attempts: 3), to: .shipped)
        case .shipped: .exit
        }
    }

    struct Charge: ContextTask, Compensatable {
        func run(_ order: inout Context, _ task: TaskContext) async throws -> Int {
            guard order.cents > 0 else { throw TaskFailure.permanent("an order costs something", code: "noPrice") }
            return order.cents
        }

        func undo(_ cents: Int?, _ task: TaskContext) async throws {
            task.logger.info("refunded")
        }
    }

    struct Ship: ContextTask {
        func run(_ order: inout Context, _ task: TaskContext) async throws {
            order.parcel = "P-\(order.number)"
        }
    }
}
