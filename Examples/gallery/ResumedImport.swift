// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoSQLite
import Foundation

/// The process stops in the middle; the next one goes on where the run was, without doing the first half again.
struct ResumedImport: Example, Workflow {
    static let name = "resumed-import"
    static let version = 1
    static let summary = "a run on SQLite that outlives its process"

    enum State: String, WorkflowState { case download, unpack, load, done }
    struct Context: Codable, Sendable { var log: [String] = [] }

    /// Which process this is: the first one never gets to load.
    let process: Int

    func step(in state: State) -> Step<Self> {
        switch state {
        case .download: .task(Work(name: "download", process: self.process), to: .unpack)
        case .unpack: .task(Work(name: "unpack", process: self.process), to: .load)
        case .load: .task(Load(process: self.process), to: .done)
        case .done: .exit
        }
    }

    struct Work: ContextTask {
        let name: String
        let process: Int

        func run(_ context: inout Context, _ task: TaskContext) async throws {
            context.log.append("\(self.name) in process \(self.process)")
        }
    }

    struct Load: ContextTask {
        let process: Int

        func run(_ context: inout Context, _ task: TaskContext) async throws {
            if self.process == 1 { try await Task.sleep(for: .seconds(3600)) }
            context.log.append("load in process \(self.process)")
        }
    }

    static func run() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "resumed-import-\(UUID()).sqlite").path
        defer { for end in ["", "-wal", "-shm", ".lock"] { try? FileManager.default.removeItem(atPath: path + end) } }
        for process in 1...2 {
            let store = try await SQLiteStore.open(path: path)
            try await EmbeddedRunner.run(Self(process: process), on: store) { runner in
                let run = try await runner.start(Self.self, context: .init(), key: "monday")
                if process == 1 {
                    try await Task.sleep(for: .milliseconds(200))
                    print("  process 1 stops while it loads")
                } else {
                    print("  \(try await run.outcome().context.log.joined(separator: ", "))")
                }
            }
            await store.close()
        }
    }
}
