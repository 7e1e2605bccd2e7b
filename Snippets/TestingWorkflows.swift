// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Testing a workflow: no time passes, every path is checked, and the process dies at every point there is.

// snippet.hide
import Cano
import CanoTesting

// snippet.show
struct Reminder: Workflow {
    static let name = "reminder"
    static let version = 1
    enum State: String, WorkflowState { case ask, pause, remind, done }
    struct Context: Codable, Sendable, Equatable { var letters = 0 }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .ask: .task(Write(), to: .pause)
        case .pause: .wait(.seconds(30 * 86_400), to: .remind)
        case .remind: .task(Write(), retry: .exponential(attempts: 3), to: .done)
        case .done: .exit
        }
    }

    struct Write: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws { context.letters += 1 }
    }
}

/// A month in milliseconds, with a fault on the way.
func testReminder() async throws {
    let clock = VirtualClock()
    let observer = RecordingObserver()
    let faults = TaskFaults()
    faults.failNext(.state(Reminder.State.remind), times: 2)

    var configuration = EmbeddedRunner.Configuration()
    configuration.clock = clock
    configuration.observers = [observer]
    configuration.faults = faults
    let store = MemoryStore(clock: clock.storeTime)
    try await EmbeddedRunner.run(Reminder(), on: store, configuration: configuration) { runner in
        let run = try await runner.start(Reminder.self, context: .init())
        let result = try await run.outcome()
        precondition(result.context.letters == 2)
    }
    try observer.expectPath(of: Reminder.self, .ask, .pause, .remind, .done)
    try observer.expectAllStatesEntered(of: Reminder.self)
    precondition(clock.elapsed >= .seconds(30 * 86_400))
}

/// The process dies before and after every commit and every attempt, and another one goes on.
func testCrashes() async throws {
    try await CrashMatrix()
        .check { trial in
            try await EmbeddedRunner.run(Reminder(), on: trial.store, configuration: trial.configuration) { runner in
                let run = try await runner.start(Reminder.self, context: .init(), key: "reminder")
                return try await run.outcome().context
            }
        }
}
// snippet.hide

try await testReminder()
try await testCrashes()
