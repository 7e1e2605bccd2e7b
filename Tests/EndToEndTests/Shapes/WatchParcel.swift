// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import Foundation

/// Asks until a parcel has arrived, weighs it at once, rests until a date, and chooses what becomes of it.
struct WatchParcel: Workflow {
    static let name = "watch-parcel"
    static let version = 1
    /// How long after the arrival the run goes on.
    static let rest: TimeInterval = 2
    enum State: String, WorkflowState { case ask, weigh, rest, choose, label, refuse, done }
    struct Context: Codable, Sendable {
        /// How many questions it takes.
        var questions: Int
        var answers = 0
        var arrivedAt = Date(timeIntervalSince1970: 0)
        var weight = 0
        var label = ""
        var labelledAt = Date(timeIntervalSince1970: 0)
    }

    let desk: Desk

    func step(in state: State) -> Step<Self> {
        switch state {
        case .ask: .poll(Ask(desk: self.desk), every: .milliseconds(20), to: .weigh)
        case .weigh: .task(Weigh(desk: self.desk), to: .rest).local
        case .rest: .wait(to: .choose) { $0.arrivedAt.addingTimeInterval(Self.rest) }
        case .choose: .router(to: .label, .refuse) { $0.weight > 10 ? .label : .refuse }
        case .label: .task(Label(desk: self.desk), to: .done).local
        case .refuse: .exit(.failure)
        case .done: .exit
        }
    }

    struct Ask: PollTask {
        let desk: Desk

        func poll(_ context: inout Context, _ task: TaskContext) async throws -> PollAnswer<Void> {
            self.desk.note("ask", task)
            context.answers += 1  // counts only in the attempt that is ready
            context.arrivedAt = Date()
            return task.attempt < context.questions ? .pending : .ready
        }
    }

    struct Weigh: ContextTask {
        let desk: Desk

        func run(_ context: inout Context, _ task: TaskContext) async throws {
            self.desk.note("weigh", task)
            context.weight = 12
        }
    }

    struct Label: ContextTask {
        let desk: Desk

        func run(_ context: inout Context, _ task: TaskContext) async throws {
            self.desk.note("label", task)
            context.label = "\(context.weight) kg"
            context.labelledAt = Date()
        }
    }
}
