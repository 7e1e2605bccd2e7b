// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoSQLite
import Foundation
import Testing

/// A process has one life, and its worker dies with it: only what the history says can tell who killed it.
@Suite("Steps that kill their process")
struct DeadlyStepTests {
    @Test("a step that traps in every process is parked after a few, and runs beside it are not blamed")
    func parked() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cano-deadly-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "runs.sqlite").path
        // The first death tells nothing, three more are charged.
        for _ in 0...Limits().crashes {
            await #expect(processExitsWith: .failure) { [path = path as String] in
                try await Mine.dig(path, isArmed: true) { deadly, _ in _ = try await deadly.outcome() }
            }
        }
        try await Mine.dig(path, isArmed: false) { deadly, calm in
            // Beside it, alone with it: whoever ran with it twice runs alone, and ends.
            _ = try await calm.outcome()
            var status = try await deadly.status()
            while status == .active {
                try await Task.sleep(for: .milliseconds(5))
                status = try await deadly.status()
            }
            #expect(status == .blocked)
        }
    }

    @Test("a process that was stopped in an orderly way charges nothing, however often")
    func orderly() async throws {
        let store = MemoryStore(clock: TestClock.now)
        let gate = Gate()
        let tale = Tale(
            first: .task(Tale.Note(ledger: Ledger()) { _, _ in try await gate.pass() }, to: .second),
            second: .task(Tale.Choice(state: .judge), to: .judge, .failed)
        )
        for _ in 0..<2 * Limits().crashes {
            try await EmbeddedRunner.run(tale, on: store) { runner in
                _ = try await runner.start(Tale.self, context: .init(), key: "one")
                await gate.reached()
            }
        }
        gate.open()
        try await EmbeddedRunner.run(tale, on: store) { runner in
            let run = try await runner.start(Tale.self, context: .init(), key: "one")
            #expect(!run.isNew)
            _ = try await run.outcome()
            let rows = await store.history(of: run.id, after: 0, limit: 100)
            #expect(rows.filter { $0.kind == .attemptLost }.compactMap(\.reason).allSatisfy { $0 == "owner" })
            #expect(rows.contains { $0.kind == .attemptLost })
        }
    }

    /// A run that kills whoever works at it, and one beside it that takes a moment.
    private struct Mine: Workflow {
        static let name = "mine"
        static let version = 1
        enum State: String, WorkflowState { case dig, done }
        struct Context: Codable, Sendable { var isDeadly = false }
        let isArmed: Bool

        func step(in state: State) -> Step<Self> {
            switch state {
            case .dig: .task(Dig(isArmed: self.isArmed), retry: .never, to: .done)
            case .done: .exit
            }
        }

        struct Dig: ContextTask {
            let isArmed: Bool

            func run(_ context: inout Context, _ task: TaskContext) async throws {
                try await Task.sleep(for: .milliseconds(context.isDeadly ? 20 : 60))
                guard context.isDeadly else { return }
                // A trap would do the same, slowly: it writes a backtrace first.
                if self.isArmed { kill(getpid(), SIGKILL) }
                throw TaskFailure.permanent("it should not have run")
            }
        }

        static func dig(
            _ path: String,
            isArmed: Bool,
            _ body: @Sendable @escaping (EmbeddedRun<Mine>, EmbeddedRun<Mine>) async throws -> Void
        ) async throws {
            let store = try await SQLiteStore.open(path: path)
            try await EmbeddedRunner.run(Mine(isArmed: isArmed), on: store) { runner in
                let deadly = try await runner.start(Mine.self, context: .init(isDeadly: true), key: "deadly")
                try await body(deadly, try await runner.start(Mine.self, context: .init(), key: "calm"))
            }
            await store.close()
        }
    }
}
