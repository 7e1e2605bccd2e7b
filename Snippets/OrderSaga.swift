// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// A saga: when shipping fails for good, the charge and the reservation are undone, the newest first.

// snippet.hide
import Cano

// snippet.show
struct Order: Workflow {
    static let name = "order"
    static let version = 1
    static let timeout: Duration? = .seconds(3600)
    enum State: String, WorkflowState { case reserve, charge, pause, ship, check, shipped, refused }
    struct Context: Codable, Sendable {
        var article: String
        var cents: Int
        var parcel: String?
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .reserve: .task(Reserve(), to: .charge)
        case .charge: .task(Charge(), retry: .exponential(attempts: 3), timeout: .seconds(10), to: .pause)
        case .pause: .wait(.seconds(5), to: .ship)
        case .ship: .task(Ship(), retry: .fixed(attempts: 2, every: .seconds(1)), to: .check)
        case .check: .router(to: .shipped, .refused) { $0.parcel == nil ? .refused : .shipped }
        case .shipped: .exit
        case .refused: .exit(.failure)
        }
    }
}

struct Reserve: ContextTask, Compensatable {
    func run(_ order: inout Order.Context, _ task: TaskContext) async throws -> String {
        "reservation of \(order.article), once per \(task.idempotencyKey)"
    }

    func undo(_ reservation: String?, _ task: TaskContext) async throws {
        task.logger.info("released")
    }
}

struct Charge: ContextTask, Compensatable {
    func run(_ order: inout Order.Context, _ task: TaskContext) async throws -> Int {
        guard order.cents > 0 else { throw TaskFailure.permanent("an order costs something", code: "noPrice") }
        return order.cents
    }

    func undo(_ cents: Int?, _ task: TaskContext) async throws {
        task.logger.info("refunded")
    }
}

struct Ship: ContextTask {
    func run(_ order: inout Order.Context, _ task: TaskContext) async throws {
        throw TaskFailure("the carrier is on strike", retryAfter: .seconds(2))
    }
}

// snippet.hide
let definition = Order().definition()
try definition.validate()
print("\(definition.key): \(definition.digest)")
