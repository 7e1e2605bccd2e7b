// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import FoundationEssentials

/// Asks until a parcel has arrived, then waits until a date.
struct Parcel: Workflow {
    static let name = "parcel"
    static let version = 1
    enum State: String, WorkflowState { case ask, rest, done }
    struct Context: Codable, Sendable, Equatable {
        var arrivesAfter = 3
        var fails = 0
        var arrived = 0
        var restUntil = Date(timeIntervalSince1970: 0)
    }

    var pause: Duration = .milliseconds(2)
    var within: Duration?
    var errors = PollErrors.consecutive(2)
    var asked = Ledger()

    func step(in state: State) -> Step<Self> {
        switch state {
        case .ask:
            .poll(
                Ask(asked: self.asked),
                every: self.pause,
                within: self.within,
                errors: self.errors,
                to: .rest
            )
        case .rest: .wait(until: \.restUntil, to: .done)
        case .done: .exit
        }
    }

    struct Ask: PollTask {
        let asked: Ledger

        func poll(_ context: inout Context, _ task: TaskContext) async throws -> PollAnswer<Void> {
            self.asked.add("\(task.attempt)")
            context.arrived += 1  // counts only in the attempt that is ready
            if task.attempt <= context.fails { throw TaskFailure("no line") }
            return task.attempt < context.arrivesAfter ? .pending : .ready
        }
    }
}

/// Imports rows two at a time, with a cursor between the steps.
struct Import: Workflow {
    static let name = "import"
    static let version = 1
    enum State: String, WorkflowState { case rows, again, done }
    struct Context: Codable, Sendable, Equatable {
        var rows: Int
        var imported: [Int] = []
    }

    let ledger: Ledger

    func step(in state: State) -> Step<Self> {
        switch state {
        case .rows: .stepped(Rows(ledger: self.ledger), retry: Trip.quick, to: .again)
        case .again: .stepped(Rows(ledger: self.ledger), retry: Trip.quick, to: .done)
        case .done: .exit
        }
    }

    struct Rows: SteppedTask {
        let ledger: Ledger

        func step(
            _ context: inout Context,
            after cursor: [Int]?,
            _ task: TaskContext
        ) async throws -> StepAnswer<[Int], Void> {
            let done = cursor ?? []
            self.ledger.add("\(task.state) \(done.count)")
            if done.count >= context.rows {
                context.imported += done
                return .done
            }
            return .more(done + [done.count, done.count + 1])
        }
    }
}
