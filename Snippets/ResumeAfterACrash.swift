// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The last page of the tutorial: a run that outlives its process.

// snippet.show
import Cano
import CanoSQLite

let store = try await SQLiteStore.open(path: "imports.sqlite")
try await EmbeddedRunner.run(Import(), on: store) { runner in
    let run = try await runner.start(Import.self, context: .init(), key: "monday")
    print(try await run.outcome().context.rows)
}
await store.close()

// snippet.hide
struct Import: Workflow {
    static let name = "import"
    static let version = 1
    enum State: String, WorkflowState { case load, done }
    struct Context: Codable, Sendable { var rows = 0 }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .load: .task(Load(), to: .done)
        case .done: .exit
        }
    }

    struct Load: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws { context.rows += 500 }
    }
}
