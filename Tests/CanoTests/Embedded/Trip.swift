// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Books legs of a trip in parallel, then pays; what goes wrong is told by the context.
struct Trip: Workflow {
    static let name = "trip"
    static let version = 1
    enum State: String, WorkflowState { case plan, book, pay, done }
    struct Context: Codable, Sendable, Equatable {
        var legs: [String]
        var failPayment = false
        var planned = 0
        var booked: [String] = []
    }

    /// What tasks did, in order.
    let ledger: Ledger

    func step(in state: State) -> Step<Self> {
        switch state {
        case .plan: .task(Plan(ledger: self.ledger), to: .book)
        case .book: .split(over: \.legs, Book(ledger: self.ledger), retry: Self.quick, to: .pay)
        case .pay: .task(Pay(ledger: self.ledger), retry: Self.quick, to: .done)
        case .done: .exit
        }
    }

    static var quick: RetryPolicy {
        RetryPolicy {
            $0.maximumAttempts = 3
            $0.initialDelay = Span(milliseconds: 5)
        }
    }

    struct Plan: ContextTask, Compensatable {
        let ledger: Ledger

        func run(_ context: inout Context, _ task: TaskContext) async throws -> Int {
            context.planned += 1
            self.ledger.add("plan")
            return context.legs.count
        }

        func undo(_ legs: Int?, _ task: TaskContext) async throws {
            self.ledger.add("undo plan \(legs ?? -1)")
        }
    }

    struct Book: BranchTask, Compensatable {
        let ledger: Ledger

        func run(_ leg: String, _ task: TaskContext) async throws -> String {
            if leg == "flaky", task.attempt < 3 { throw TaskFailure("no seat") }
            if leg == "never" { throw TaskFailure.permanent("no such place", code: "noPlace") }
            self.ledger.add("book \(leg)")
            return "ticket to \(leg)"
        }

        func undo(_ ticket: String?, _ task: TaskContext) async throws {
            self.ledger.add("undo \(ticket ?? "unknown")")
        }
    }

    struct Pay: JoinTask {
        let ledger: Ledger

        func run(_ context: inout Context, _ tickets: [BranchResult<String>], _ task: TaskContext) async throws {
            if context.failPayment { throw TaskFailure("no money") }
            context.booked = tickets.compactMap(\.value)
            self.ledger.add("pay")
        }
    }
}

/// What happened, in order.
final class Ledger: Sendable {
    private let lines = Guarded<[String]>([])

    func add(_ line: String) { self.lines.withLock { $0.append(line) } }
    var all: [String] { self.lines.withLock { $0 } }
}
