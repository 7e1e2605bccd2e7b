// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The second page of the tutorial: a branch for each file, and one place where they meet.

// snippet.hide
import Cano
import Foundation

// snippet.show
struct CountFiles: Workflow {
    static let name = "count-files"
    static let version = 1
    enum State: String, WorkflowState { case count, add, done }
    struct Context: Codable, Sendable {
        var files: [String]
        var words = 0
        var unread = 0
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .count: .split(over: \.files, CountWords(), join: .quorum(.percent(80), within: .seconds(60)), to: .add)
        case .add: .task(AddUp(), to: .done)
        case .done: .exit
        }
    }

    struct CountWords: BranchTask {
        func run(_ path: String, _ task: TaskContext) async throws -> Int {
            try String(contentsOfFile: path, encoding: .utf8).split { !$0.isLetter }.count
        }
    }

    struct AddUp: JoinTask {
        func run(_ context: inout Context, _ counts: [BranchResult<Int>], _ task: TaskContext) async throws {
            context.words = counts.compactMap(\.value).reduce(0, +)
            context.unread = counts.count { $0.failure != nil }
        }
    }
}

// snippet.hide
let definition = CountFiles().definition()
try definition.validate()
print("\(definition.key): \(definition.digest)")
