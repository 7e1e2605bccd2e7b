// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Copies a table in pages; the place it has reached is durable behind each page, so no page is copied twice.
struct TableCopy: Example, Workflow {
    static let name = "table-copy"
    static let version = 1
    static let summary = "a stepped task with a durable cursor, and a page that fails once"

    enum State: String, WorkflowState { case copy, done }
    struct Context: Codable, Sendable {
        var rows: Int
        var copied = 0
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .copy: .stepped(CopyPage(), retry: .fixed(attempts: 3, every: .milliseconds(5)), to: .done)
        case .done: .exit
        }
    }

    struct CopyPage: SteppedTask {
        static let pageSize = 400

        func step(
            _ context: inout Context,
            after cursor: Int?,
            _ task: TaskContext
        ) async throws -> StepAnswer<Int, Void> {
            let first = cursor ?? 0
            if first == 800, task.attempt == 3 { throw TaskFailure("the connection was reset") }
            let last = min(first + Self.pageSize, context.rows)
            context.copied = last
            return last == context.rows ? .done : .more(last)
        }
    }

    static func run() async throws {
        try await EmbeddedRunner.run(Self(), on: MemoryStore()) { runner in
            let result = try await runner.start(Self.self, context: .init(rows: 1700)).outcome()
            print("  copied \(result.context.copied) rows")
        }
    }
}
