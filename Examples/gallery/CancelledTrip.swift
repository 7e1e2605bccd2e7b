// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Somebody cancels while the last booking hangs: what was booked is undone, the newest first.
struct CancelledTrip: Example, Workflow {
    static let name = "cancelled-trip"
    static let version = 1
    static let summary = "cancel undoes what was done, in reverse"

    enum State: String, WorkflowState { case flight, hotel, car, booked }
    struct Context: Codable, Sendable { var city: String }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .flight: .task(Book(what: "flight"), to: .hotel)
        case .hotel: .task(Book(what: "hotel"), to: .car)
        case .car: .task(WaitForCar(), to: .booked)
        case .booked: .exit
        }
    }

    struct Book: ContextTask, Compensatable {
        let what: String

        func run(_ context: inout Context, _ task: TaskContext) async throws -> String {
            print("  booked the \(self.what) to \(context.city)")
            return "\(self.what) to \(context.city)"
        }

        func undo(_ booking: String?, _ task: TaskContext) async throws {
            print("  gave back the \(booking ?? self.what)")
        }
    }

    struct WaitForCar: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {
            try await Task.sleep(for: .seconds(3600))
        }
    }

    static func run() async throws {
        try await EmbeddedRunner.run(Self(), on: MemoryStore()) { runner in
            let trip = try await runner.start(Self.self, context: .init(city: "Lisbon"))
            try await Task.sleep(for: .milliseconds(100))
            try await trip.cancel(by: "the traveller")
            do {
                _ = try await trip.outcome()
            } catch let error as CanoError {
                print("  \(error.message)")
            }
        }
    }
}
