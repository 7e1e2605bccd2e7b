// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Starts runs by the clock, inside one process; what was decided is kept in the same file as the runs.

// snippet.hide
import Cano
import CanoSQLite

// snippet.show
struct Report: Workflow {
    static let name = "report"
    static let version = 1
    enum State: String, WorkflowState { case write, done }
    struct Context: Codable, Sendable {
        var since: Instant?
        var until: Instant
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .write: .task(Write(), to: .done)
        case .done: .exit
        }
    }
}

struct Write: ContextTask {
    func run(_ report: inout Report.Context, _ task: TaskContext) async throws {
        task.logger.info("from \(report.since?.iso8601 ?? "the beginning") to \(report.until.iso8601)")
    }
}

func keepSchedules() async throws {
    var schedules = Schedules()
    try schedules.cron("morning", "0 7 * * MON-FRI", zone: "Europe/Berlin", start: Report.self) { tick in
        Report.Context(since: tick.previousNominal, until: tick.id.nominal)
    }
    try schedules.every("often", .seconds(10), start: Report.self, adjust: { $0.tripsAfter = 5 }) { tick in
        Report.Context(since: tick.previousNominal, until: tick.id.nominal)
    }
    let store = try await SQLiteStore.open(path: "reports.sqlite")
    try await EmbeddedRunner.run(Report(), on: store) { [schedules] runner in
        try await Scheduler.run(schedules, on: runner) { scheduler in
            let run = try await scheduler.trigger("morning", start: Report.self)
            print(try await run.outcome().state)
            for status in scheduler.list() { print(status.name, status.condition, status.runs) }
            await scheduler.wait()
        }
    }
    await store.close()
}

// snippet.hide
let expression = try CronExpression("0 7 * * MON-FRI")
print(expression.next(after: Instant(microseconds: 0), in: .utc)?.iso8601 ?? "never")
