// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoSQLite
import Foundation
import Testing

/// Swift cannot catch a trap, wherever it is: these tests let the process end, and open the store again.
@Suite("Traps outside of tasks")
struct TrapTests {
    @Test("L-PANIC-01: an observer that traps at a retry ends the process, and fails no task: the run goes on")
    func observer() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "cano-trap-\(UUID().uuidString).sqlite").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        await #expect(processExitsWith: .failure) { [path = path as String] in
            let store = try await SQLiteStore.open(path: path)
            var configuration = EmbeddedRunner.Configuration()
            configuration.observers = [Touchy()]
            try await EmbeddedRunner.run(Moody(), on: store, configuration: configuration) { runner in
                _ = try await runner.start(Moody.self, context: .init(), key: "one").outcome()
            }
        }
        let store = try await SQLiteStore.open(path: path)
        try await EmbeddedRunner.run(Moody(), on: store) { runner in
            let run = try await runner.start(Moody.self, context: .init(), key: "one")
            #expect(run.isNew == false)
            // The second attempt may have been granted while the process died: then the third one counts.
            let attempts = try await run.outcome().context.attempts
            #expect(attempts == [2] || attempts == [3])
            // What it was to be told was durable before, and nothing was added to it.
            let rows = try await store.history(of: run.id, after: 0, limit: 100)
            #expect(rows.filter { $0.kind == .attemptFailed }.compactMap(\.reason) == ["mood"])
        }
        await store.close()
    }

    @Test("L-PANIC-02: a stream that traps when it is opened ends the process; what was done before is undone later")
    func openingStream() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "cano-trap-\(UUID().uuidString).sqlite").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        await #expect(processExitsWith: .failure) { [path = path as String] in
            let store = try await SQLiteStore.open(path: path)
            try await EmbeddedRunner.run(Well(traps: true), on: store) { runner in
                _ = try await runner.start(Well.self, context: .init(), key: "one").outcome()
            }
        }
        let store = try await SQLiteStore.open(path: path)
        try await EmbeddedRunner.run(Well(traps: false), on: store) { runner in
            let run = try await runner.start(Well.self, context: .init(), key: "one")
            #expect(run.isNew == false)
            let error = await #expect(throws: CanoError.self) { try await run.outcome() }
            #expect(error?.message.contains("the well is dry") == true)
            let rows = try await store.history(of: run.id, after: 0, limit: 100)
            #expect(rows.contains { $0.kind == .attemptLost })
            let pushed = rows.filter { $0.kind == .sagaPushed }.map(\.seq)
            #expect(pushed.count == 1)
            let undone = rows.filter { $0.kind == .compensated }.compactMap { $0.number.map(Int.init) }
            #expect(undone == pushed)
        }
        await store.close()
    }

    /// Cannot bear that something is tried again.
    struct Touchy: RunObserver {
        func observe(_ event: RunEvent) {
            if case .retrying = event.kind { fatalError("an observer has no way to throw") }
        }
    }

    /// Works at the second attempt.
    struct Moody: Workflow {
        static let name = "moody"
        static let version = 1
        enum State: String, WorkflowState { case work, done }
        struct Context: Codable, Sendable { var attempts: [Int] = [] }

        func step(in state: State) -> Step<Self> {
            switch state {
            case .work: .task(Work(), retry: Trip.quick, to: .done)
            case .done: .exit
            }
        }

        struct Work: ContextTask {
            func run(_ context: inout Context, _ task: TaskContext) async throws {
                if task.attempt == 1 { throw TaskFailure("not today", code: "mood") }
                context.attempts.append(task.attempt)
            }
        }
    }

    /// Digs, then draws from a stream that cannot be opened.
    struct Well: Workflow {
        static let name = "well"
        static let version = 1
        enum State: String, WorkflowState { case dig, draw, done }
        struct Context: Codable, Sendable {}
        let traps: Bool

        func step(in state: State) -> Step<Self> {
            switch state {
            case .dig: .task(Dig(), to: .draw)
            case .draw: .stream(Draw(traps: self.traps), to: .done)
            case .done: .exit
            }
        }

        struct Dig: ContextTask, Compensatable {
            func run(_ context: inout Context, _ task: TaskContext) async throws -> Int { 7 }
            func undo(_ depth: Int?, _ task: TaskContext) async throws {}
        }

        struct Draw: StreamTask {
            let traps: Bool

            func open(_ context: Context, after cursor: Int?, _ task: TaskContext) async throws -> AsyncStream<Int> {
                if self.traps { fatalError("an index out of range would do the same") }
                throw TaskFailure.permanent("the well is dry")
            }

            func process(_ number: Int, _ task: TaskContext) async throws -> (Int, Int) { (number, number) }
            func flush(_ numbers: [Int], _ task: TaskContext) async throws -> WindowAnswer { .more }
            func close(_ context: inout Context, _ end: StreamEnd, _ task: TaskContext) async throws {}
        }
    }
}
