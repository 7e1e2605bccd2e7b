// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Writes to five replicas and goes on as soon as three have it; the run fails once three cannot be reached.
struct QuorumWrite: Example, Workflow {
    static let name = "quorum-write"
    static let version = 1
    static let summary = "a quorum of three out of five, decided as soon as the answer is known"

    enum State: String, WorkflowState { case write, report, done }
    struct Context: Codable, Sendable {
        var value: String
        var replicas = ["athens", "berlin", "cairo", "delhi", "espoo"]
        var written: [String] = []
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .write:
            .split(over: \.replicas, WriteReplica(), join: .quorum(3, within: .seconds(5)), retry: .never, to: .report)
        case .report: .task(Report(), to: .done)
        case .done: .exit
        }
    }

    struct WriteReplica: BranchTask {
        func run(_ replica: String, _ task: TaskContext) async throws -> String {
            guard replica != "cairo" else { throw TaskFailure.permanent("\(replica) is down", code: "unreachable") }
            return replica
        }
    }

    struct Report: JoinTask {
        func run(_ context: inout Context, _ results: [BranchResult<String>], _ task: TaskContext) async throws {
            context.written = results.compactMap(\.value)
        }
    }

    static func run() async throws {
        try await EmbeddedRunner.run(Self(), on: MemoryStore()) { runner in
            let result = try await runner.start(Self.self, context: .init(value: "42")).outcome()
            print("  at least three have it: \(result.context.written.count >= 3)")
        }
    }
}
