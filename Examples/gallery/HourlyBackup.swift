// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// A schedule inside the process: every tick is a durable run with a key of its own, so none is started twice.
struct HourlyBackup: Example, Workflow {
    static let name = "hourly-backup"
    static let version = 1
    static let summary = "a schedule by interval, one on the clock, and a trigger by hand"

    enum State: String, WorkflowState { case save, done }
    struct Context: Codable, Sendable { var folder: String }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .save: .task(Save(), to: .done)
        case .done: .exit
        }
    }

    struct Save: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {}
    }

    static func run() async throws {
        var schedules = Schedules()
        try schedules.every("often", .milliseconds(100), start: Self.self) { _ in Context(folder: "/etc") }
        try schedules.cron("nightly", "30 2 * * *", start: Self.self) { _ in Context(folder: "/home") }
        let all = schedules
        try await EmbeddedRunner.run(Self(), on: MemoryStore()) { runner in
            try await Scheduler.run(all, on: runner) { scheduler in
                let byHand = try await scheduler.trigger("nightly", start: Self.self, context: .init(folder: "/srv"))
                print("  by hand: saved \(try await byHand.outcome().context.folder)")
                while scheduler.status("often").map({ $0.runs < 3 }) ?? false {
                    try await Task.sleep(for: .milliseconds(10))
                }
                print("  often: at least three runs")
            }
        }
    }
}
