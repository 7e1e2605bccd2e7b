// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// A client of a busy API: limits over all workers are declared, what one process shares are values.

// snippet.hide
import Cano

struct Issue: Codable, Sendable { var title = "" }
struct GitHub: Resource {
    func issues(_ page: Int) async throws -> [Issue] { [] }
}

// snippet.show
struct SyncIssues: Workflow {
    static let name = "sync-issues"
    static let version = 1
    enum State: String, WorkflowState { case fetch, done }
    struct Context: Codable, Sendable { var pages: [Int] = []; var count = 0 }

    let github: GitHub
    let breaker: CircuitBreaker

    func step(in state: State) -> Step<Self> {
        switch state {
        case .fetch:
            .split(
                over: \.pages,
                FetchPage(github: self.github, breaker: self.breaker),
                limits: [.concurrency("github", 10), .rate("github", 5000, per: .seconds(3600))],
                to: .done
            )
        case .done: .exit
        }
    }
}

struct FetchPage: BranchTask {
    let github: GitHub
    let breaker: CircuitBreaker

    func run(_ page: Int, _ task: TaskContext) async throws -> Int {
        try await self.breaker.run {
            try await retry(.exponential(attempts: 3)) { try await self.github.issues(page).count }
        }
    }
}

func syncAll(on store: any RunStore) async throws {
    try await EmbeddedRunner.run(on: store) { resources in
        let github = try await resources.open(GitHub())
        return try WorkCatalogue(SyncIssues(github: github, breaker: try CircuitBreaker("github")))
    } body: { runner in
        let run = try await runner.start(SyncIssues.self, context: .init(pages: [1, 2, 3]))
        for wait in run.waits() { print("waits for \(wait.limit)") }
        _ = try await run.outcome()
    }
}
// snippet.hide
let definition = SyncIssues(github: GitHub(), breaker: try CircuitBreaker("github")).definition()
try definition.validate()
print("\(definition.key): \(definition.digest)")
