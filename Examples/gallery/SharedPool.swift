// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// A connection pool that belongs to the process: set up once, shared by all runs, torn down when the last has ended.
struct SharedPool: Example, Workflow {
    static let name = "shared-pool"
    static let version = 1
    static let summary = "a resource of the process, set up and torn down in order"

    enum State: String, WorkflowState { case query, done }
    struct Context: Codable, Sendable {
        var id: Int
        var row = ""
    }

    let pool: Pool

    func step(in state: State) -> Step<Self> {
        switch state {
        case .query: .task(Query(pool: self.pool), to: .done)
        case .done: .exit
        }
    }

    struct Pool: Resource {
        func setUp() async throws { print("  the pool is open") }
        func tearDown() async throws { print("  the pool is closed") }
        func row(_ id: Int) -> String { "row \(id)" }
    }

    struct Query: ContextTask {
        let pool: Pool

        func run(_ context: inout Context, _ task: TaskContext) async throws {
            context.row = self.pool.row(context.id)
        }
    }

    static func run() async throws {
        try await EmbeddedRunner.run(on: MemoryStore()) { resources in
            let pool = try await resources.open(Pool())
            var catalogue = WorkCatalogue()
            try catalogue.add(Self(pool: pool))
            return catalogue
        } body: { runner in
            for id in 1...3 {
                print("  \(try await runner.start(Self.self, context: .init(id: id)).outcome().context.row)")
            }
        }
    }
}
