// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Calls an API that allows three requests in 100 ms, with at most two at once, whatever the number of runs.
struct RateLimitedClient: Example, Workflow {
    static let name = "rate-limited-client"
    static let version = 1
    static let summary = "declared limits of a state, and a breaker inside the task"

    enum State: String, WorkflowState { case call, done }
    struct Context: Codable, Sendable {
        var page: Int
        var body = ""
    }

    let breaker: CircuitBreaker

    func step(in state: State) -> Step<Self> {
        switch state {
        case .call:
            .task(
                Call(breaker: self.breaker),
                limits: [.concurrency("api", 2), .rate("api", 3, per: .milliseconds(100))],
                to: .done
            )
        case .done: .exit
        }
    }

    struct Call: ContextTask {
        let breaker: CircuitBreaker

        func run(_ context: inout Context, _ task: TaskContext) async throws {
            context.body = try await self.breaker.run { "page \(context.page)" }
        }
    }

    static func run() async throws {
        let breaker = try CircuitBreaker("api")
        try await EmbeddedRunner.run(Self(breaker: breaker), on: MemoryStore()) { runner in
            let start = ContinuousClock.now
            let runs = try await (1...9).asyncMap { try await runner.start(Self.self, context: .init(page: $0)) }
            for run in runs { _ = try await run.outcome() }
            let took = start.duration(to: .now)
            print("  nine calls, three in any 100 ms: at least 200 ms passed: \(took >= .milliseconds(190))")
        }
    }
}

extension Sequence {
    fileprivate func asyncMap<T>(_ transform: (Element) async throws -> T) async rethrows -> [T] {
        var values: [T] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
