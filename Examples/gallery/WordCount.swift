// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import Foundation

/// Extract, map, reduce: the words of every common licence on this machine, counted in parallel.
struct WordCount: Example, Workflow {
    static let name = "word-count"
    static let version = 1
    static let summary = "ETL map-reduce over real text: a branch for each file, a join that adds up"

    enum State: String, WorkflowState { case count, add, done }
    struct Context: Codable, Sendable {
        var folder: String
        var files = 0
        var top: [String] = []
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .count: .split(over: ListFiles(), CountWords(), to: .add)
        case .add: .task(AddUp(), to: .done)
        case .done: .exit
        }
    }

    struct ListFiles: ExpandTask {
        func run(_ context: Context, _ task: TaskContext) async throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: context.folder).sorted()
                .map { "\(context.folder)/\($0)" }
                .filter { FileManager.default.isReadableFile(atPath: $0) }
        }
    }

    struct CountWords: BranchTask {
        func run(_ path: String, _ task: TaskContext) async throws -> [String: Int] {
            let text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
            let words = text.lowercased().split { !$0.isLetter }.filter { $0.count > 6 }
            return words.reduce(into: [:]) { $0[String($1), default: 0] += 1 }
        }
    }

    struct AddUp: JoinTask {
        func run(
            _ context: inout Context,
            _ counts: [BranchResult<[String: Int]>],
            _ task: TaskContext
        ) async throws {
            let sums = counts.compactMap(\.value).reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
            context.files = counts.count
            context.top = sums.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(5)
                .map { "\($0.key) \($0.value)" }
        }
    }

    static func run() async throws {
        try await EmbeddedRunner.run(Self(), on: MemoryStore()) { runner in
            let context = Context(folder: "/usr/share/common-licenses")
            let result = try await runner.start(Self.self, context: context).outcome().context
            print("  \(result.files) files; the long words they use most: \(result.top.joined(separator: ", "))")
        }
    }
}
