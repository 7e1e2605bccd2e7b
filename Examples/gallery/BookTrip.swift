// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Legs are booked in parallel; paying fails, so every leg that was booked is given back, the newest first.
struct BookTrip: Example, Workflow {
    static let name = "book-trip"
    static let version = 1
    static let summary = "a saga whose branches are undone, too"

    enum State: String, WorkflowState { case legs, pay, booked }
    struct Context: Codable, Sendable { var cities: [String] }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .legs: .split(over: \.cities, BookLeg(), to: .pay)
        case .pay: .task(Pay(), to: .booked)
        case .booked: .exit
        }
    }

    struct BookLeg: BranchTask, Compensatable {
        func run(_ city: String, _ task: TaskContext) async throws -> String { "ticket to \(city)" }
        func undo(_ ticket: String?, _ task: TaskContext) async throws { print("  gave back a \(ticket ?? "ticket")") }
    }

    struct Pay: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {
            throw TaskFailure.permanent("the card has expired", code: "card")
        }
    }

    static func run() async throws {
        try await EmbeddedRunner.run(Self(), on: MemoryStore()) { runner in
            do {
                let context = Context(cities: ["Lyon", "Turin", "Rome"])
                _ = try await runner.start(Self.self, context: context).outcome()
            } catch let error as CanoError {
                print("  \(error.code.name)")
            }
        }
    }
}
