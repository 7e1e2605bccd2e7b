// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Sums numbers of a stream in windows.
struct Feed: Workflow {
    static let name = "feed"
    static let version = 1
    enum State: String, WorkflowState { case sum, done }
    struct Context: Codable, Sendable, Equatable {
        var count: Int
        var stopAt = Int.max
        var ended = ""
    }

    var window = StreamWindow.count(2)
    var errors = StreamErrors.fail
    var ledger = Ledger()
    /// The numbers that were worked on.
    var worked = Ledger()
    var gate: Gate?

    func step(in state: State) -> Step<Self> {
        switch state {
        case .sum: .stream(Sum(workflow: self), window: self.window, errors: self.errors, retry: Trip.quick, to: .done)
        case .done: .exit
        }
    }

    struct Sum: StreamTask {
        let workflow: Feed

        func open(_ context: Context, after cursor: Int?, _ task: TaskContext) async throws -> AsyncStream<Int> {
            self.workflow.ledger.add("open \(cursor ?? 0)")
            let numbers = (cursor ?? 0) + 1..<max(context.count, cursor ?? 0) + 1
            let isEndless = self.workflow.gate != nil
            return AsyncStream { continuation in
                for number in numbers { continuation.yield(number) }
                if !isEndless { continuation.finish() }
            }
        }

        func process(_ number: Int, _ task: TaskContext) async throws -> (Int, Int) {
            if number == 4, self.workflow.errors != .fail { throw TaskFailure("no fours") }
            self.workflow.worked.add("\(number)")
            return (number, number)
        }

        func flush(_ numbers: [Int], _ task: TaskContext) async throws -> WindowAnswer {
            self.workflow.ledger.add("flush \(numbers)")
            if let gate = self.workflow.gate, numbers.contains(4) { try await gate.pass() }
            return numbers.contains(6) && self.workflow.errors == .skip ? .stop : .more
        }

        func close(_ context: inout Context, _ end: StreamEnd, _ task: TaskContext) async throws {
            context.ended = "\(end)"
        }

        func interrupted(_ task: TaskContext) async { self.workflow.ledger.add("interrupted") }
    }
}
