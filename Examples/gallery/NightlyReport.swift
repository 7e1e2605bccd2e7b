// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// A key names a run: whoever starts it again gets the same one, also when it is over.
struct NightlyReport: Example, Workflow {
    static let name = "nightly-report"
    static let version = 1
    static let summary = "three starts with one key are one run; another input under it is refused"

    enum State: String, WorkflowState { case write, done }
    struct Context: Codable, Sendable {
        var day: String
        var report = ""
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .write: .task(Write(), to: .done)
        case .done: .exit
        }
    }

    struct Write: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {
            context.report = "all is well on \(context.day)"
        }
    }

    static func run() async throws {
        try await EmbeddedRunner.run(Self(), on: MemoryStore()) { runner in
            for _ in 1...3 {
                let run = try await runner.start(Self.self, context: .init(day: "monday"), key: "2026-11-30")
                print("  \(run.isNew ? "new" : "the same"): \(try await run.outcome().context.report)")
            }
            do {
                _ = try await runner.start(Self.self, context: .init(day: "tuesday"), key: "2026-11-30")
            } catch let error as CanoError {
                print("  refused: \(error.code.name)")
            }
        }
    }
}
