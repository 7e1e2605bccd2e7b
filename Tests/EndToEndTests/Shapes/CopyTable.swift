// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Copies rows two at a time, then follows a log in windows of two changes.
struct CopyTable: Workflow {
    static let name = "copy-table"
    static let version = 1
    enum State: String, WorkflowState { case copy, follow, done }
    struct Context: Codable, Sendable, Equatable {
        var rows: Int
        var changes: Int
        var copied = 0
        var end = ""
    }

    let desk: Desk

    func step(in state: State) -> Step<Self> {
        switch state {
        case .copy: .stepped(CopyRows(desk: self.desk), retry: Desk.retry, to: .follow)
        case .follow: .stream(FollowLog(desk: self.desk), window: .count(2), retry: Desk.retry, to: .done)
        case .done: .exit
        }
    }

    struct CopyRows: SteppedTask {
        let desk: Desk

        func step(
            _ context: inout Context,
            after cursor: Int?,
            _ task: TaskContext
        ) async throws -> StepAnswer<Int, Void> {
            let done = cursor ?? 0
            try await self.desk.reach("copy \(done)", task)
            guard done < context.rows else {
                context.copied = done
                return .done
            }
            return .more(done + 2)
        }
    }

    struct FollowLog: StreamTask {
        let desk: Desk

        func open(_ context: Context, after cursor: Int?, _ task: TaskContext) async throws -> AsyncStream<Int> {
            let (last, changes) = (cursor ?? 0, context.changes)
            self.desk.note("open \(last)", task)
            return AsyncStream { continuation in
                for change in stride(from: last + 1, through: changes, by: 1) { continuation.yield(change) }
                continuation.finish()
            }
        }

        func process(_ change: Int, _ task: TaskContext) async throws -> (Int, Int) {
            try await self.desk.reach("change \(change)", task)
            return (change, change)
        }

        func flush(_ changes: [Int], _ task: TaskContext) async throws -> WindowAnswer {
            try await self.desk.reach("flush \(changes)", task)
            return .more
        }

        func close(_ context: inout Context, _ end: StreamEnd, _ task: TaskContext) async throws {
            self.desk.note("close", task)
            context.end = "\(end)"
        }

        func interrupted(_ task: TaskContext) async { self.desk.note("interrupted", task) }
    }
}
