// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Asks every so often until a build is ready; between two questions the run is a row that waits.
struct BuildWatch: Example, Workflow {
    static let name = "build-watch"
    static let version = 1
    static let summary = "a poll with an error budget and a deadline"

    enum State: String, WorkflowState { case watch, done }
    struct Context: Codable, Sendable {
        var build: Int
        var artefact = ""
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .watch: .poll(AskServer(), every: .milliseconds(20), within: .seconds(60), errors: .total(3), to: .done)
        case .done: .exit
        }
    }

    struct AskServer: PollTask {
        func poll(_ context: inout Context, _ task: TaskContext) async throws -> PollAnswer<Void> {
            switch task.attempt {
            case 1: return .pending
            case 2: throw TaskFailure("502 from the build server")
            case 3: return .pending(after: .milliseconds(5))
            default:
                context.artefact = "build-\(context.build).tar.gz after \(task.attempt) questions"
                return .ready
            }
        }
    }

    static func run() async throws {
        try await EmbeddedRunner.run(Self(), on: MemoryStore()) { runner in
            let result = try await runner.start(Self.self, context: .init(build: 7)).outcome()
            print("  \(result.context.artefact)")
        }
    }
}
