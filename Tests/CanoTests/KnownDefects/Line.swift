// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// Three states in a row, each undone when a later one fails; what they do beyond that a test says.
struct Line: Workflow {
    static let name = "line"
    static let version = 1
    enum State: String, WorkflowState { case one, two, three, done }
    struct Context: Codable, Sendable, Equatable {
        var log: [String] = []
    }
    typealias Body = @Sendable (TaskContext) async throws -> Void

    let ledger: Ledger
    var bodies: [State: Body] = [:]
    var undos: [State: Body] = [:]
    var undoPolicy = UndoPolicy { $0.retry = Trip.quick }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .one: .task(self.work(state), retry: Trip.quick, to: .two)
        case .two: .task(self.work(state), retry: Trip.quick, timeout: .seconds(3600), to: .three)
        case .three: .task(self.work(state), retry: Trip.quick, to: .done)
        case .done: .exit
        }
    }

    private func work(_ state: State) -> Work {
        Work(
            name: state.rawValue,
            ledger: self.ledger,
            body: self.bodies[state] ?? { _ in },
            undoBody: self.undos[state] ?? { _ in },
            undoPolicy: self.undoPolicy
        )
    }

    /// One task type for all states: which of its values did something decides who undoes it.
    struct Work: ContextTask, Compensatable {
        let name: String
        let ledger: Ledger
        let body: Body
        let undoBody: Body
        let undoPolicy: UndoPolicy

        func run(_ context: inout Context, _ task: TaskContext) async throws -> String {
            self.ledger.add(self.name)
            try await self.body(task)
            context.log.append(self.name)
            return self.name
        }

        func undo(_ output: String?, _ task: TaskContext) async throws {
            self.ledger.add("undo \(self.name) \(output ?? "unknown")")
            try await self.undoBody(task)
        }
    }
}
