// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoSQLite
import Foundation
import Testing

@Suite("Resources of runs")
struct SharedResourceTests {
    /// A client that knows whether it may be used, and what became of it.
    final class Client: Resource {
        private let state = Guarded((isUp: false, ups: 0, downs: 0, misuses: 0))

        func setUp() async throws {
            self.state.withLock {
                $0.isUp = true
                $0.ups += 1
            }
        }

        func tearDown() async throws {
            self.state.withLock {
                $0.isUp = false
                $0.downs += 1
            }
        }

        func use() { self.state.withLock { if !$0.isUp { $0.misuses += 1 } } }

        var counts: [Int] { self.state.withLock { [$0.ups, $0.downs, $0.misuses] } }
    }

    struct Users: Workflow {
        static let name = "users"
        static let version = 1
        enum State: String, WorkflowState { case first, second, done }
        struct Context: Codable, Sendable {}

        let client: Client

        func step(in state: State) -> Step<Self> {
            switch state {
            case .first: .task(Use(client: self.client), to: .second)
            case .second: .task(Use(client: self.client), to: .done)
            case .done: .exit
            }
        }
    }

    struct Use: ContextTask {
        let client: Client

        func run(_ context: inout Users.Context, _ task: TaskContext) async throws {
            self.client.use()
            for _ in 0..<20 { await Task.yield() }
            self.client.use()
        }
    }

    @Test("L-RES-01: runs at once share a resource: set up once, torn down when the last task has ended")
    func concurrentRuns() async throws {
        let client = Client()
        let ended = try await EmbeddedRunner.run(on: LimitedRunTests.memory()) { resources in
            try WorkCatalogue(Users(client: try await resources.open(client)))
        } body: { runner in
            #expect(await runner.health().entries.map(\.resource) == ["Client"])
            return try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<10 {
                    group.addTask { _ = try await runner.start(Users.self, context: .init()).outcome() }
                }
                try await group.waitForAll()
                return client.counts
            }
        }
        #expect(ended == [1, 0, 0])
        #expect(client.counts == [1, 1, 0])
    }

    @Test("work that is under way when the body returns never sees a resource that was torn down")
    func underWay() async throws {
        let client = Client()
        try await EmbeddedRunner.run(on: LimitedRunTests.memory()) { resources in
            try WorkCatalogue(Users(client: try await resources.open(client)))
        } body: { runner in
            for _ in 0..<20 { _ = try await runner.start(Users.self, context: .init()) }
        }
        #expect(client.counts == [1, 1, 0])
    }

    // MARK: Traps

    struct Fragile: Workflow {
        static let name = "fragile"
        static let version = 1
        enum State: String, WorkflowState { case first, second, done }
        struct Context: Codable, Sendable { var steps: [String] = [] }

        var traps = false

        func step(in state: State) -> Step<Self> {
            switch state {
            case .first: .task(Note(name: "first"), to: .second)
            case .second: .task(Note(name: "second", traps: self.traps), to: .done)
            case .done: .exit
            }
        }
    }

    struct Note: ContextTask {
        let name: String
        var traps = false

        func run(_ context: inout Fragile.Context, _ task: TaskContext) async throws {
            if self.traps { fatalError("an index out of range would do the same") }
            context.steps.append(self.name)
        }
    }

    @Test("a task that traps ends the process; the run goes on from that state when the store is opened again")
    func trap() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "cano-trap-\(UUID().uuidString).sqlite").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        await #expect(processExitsWith: .failure) { [path = path as String] in
            let store = try await SQLiteStore.open(path: path)
            try await EmbeddedRunner.run(Fragile(traps: true), on: store) { runner in
                _ = try await runner.start(Fragile.self, context: .init(), key: "one").outcome()
            }
        }
        let store = try await SQLiteStore.open(path: path)
        try await EmbeddedRunner.run(Fragile(), on: store) { runner in
            let run = try await runner.start(Fragile.self, context: .init(), key: "one")
            #expect(run.isNew == false)
            #expect(try await run.outcome().context.steps == ["first", "second"])
            let rows = try await store.history(of: run.id, after: 0, limit: 100)
            #expect(rows.contains { $0.kind == .attemptLost })
            // The state before it is not executed again.
            #expect(rows.filter { $0.kind == .entered && $0.state == "second" }.count == 1)
        }
        await store.close()
    }

    @Test("L-PANIC-02: resources of a process that trapped are not torn down: no run may depend on that")
    func trapWithResources() async throws {
        await #expect(processExitsWith: .failure) {
            try await Resources.with { resources in
                _ = try await resources.open("marker", 1) { _ in print("torn down") }
                fatalError("the process ends here")
            }
        }
    }

    @Test("L-PANIC-02: a set-up that throws is no trap: what was opened is torn down, and the error is told")
    func failingSetUp() async throws {
        struct Broken: Error {}
        let client = Client()
        await #expect(throws: ResourceError.self) {
            try await EmbeddedRunner.run(on: LimitedRunTests.memory()) { resources in
                let opened = try await resources.open(client)
                _ = try await resources.open("broken", try Self.fail()) { _ in }
                return try WorkCatalogue(Users(client: opened))
            } body: { _ in
                Issue.record("the body ran without its resources")
            }
        }
        #expect(client.counts == [1, 1, 0])
    }

    private static func fail() throws -> Int { throw CanoError(.unreachable, "no such host") }
}
