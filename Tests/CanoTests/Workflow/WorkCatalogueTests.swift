// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@Suite("Work catalogue")
struct WorkCatalogueTests {
    @Test("a workflow that is added twice is there once")
    func twice() throws {
        var catalogue = WorkCatalogue()
        try catalogue.add(IndexBooks())
        try catalogue.add(IndexBooks())
        try catalogue.add(Shapes())
        #expect(catalogue.definitions.map(\.name) == ["index-books", "shapes"])
    }

    @Test("a changed definition without a new version is refused, with both digests")
    func changed() throws {
        var catalogue = WorkCatalogue()
        try catalogue.add(Changing(attempts: 2))
        let error = try #require(throws: CanoError.self) { try catalogue.add(Changing(attempts: 3)) }
        #expect(error.code == .definitionChanged)
        #expect(error.message.contains(Changing(attempts: 2).definition().digest))
        #expect(error.message.contains(Changing(attempts: 3).definition().digest))
        #expect(catalogue.definitions.count == 1)
    }

    @Test("types that do not fit, and edges that lead nowhere, are all named at once")
    func misfits() throws {
        var catalogue = WorkCatalogue()
        let error = try #require(throws: CanoError.self) { try catalogue.add(Misfit()) }
        #expect(error.code == .invalidDefinition)
        for part in [
            "the branches of state 'split' return Bool, but the task of state 'join' expects Int",
            "state 'join' has a JoinTask, but state 'begin' leads there without a split",
            "state 'route': Route only decides and has nothing to undo",
            "state 'lost' cannot be reached",
        ] {
            #expect(error.message.contains(part), "\(error.message)")
        }
        #expect(!error.message.contains { $0.isNewline })
    }

    @Test("undo survives a generic helper that does not know about it")
    func generic() throws {
        guard case .task(let task, _) = Helped().definition().states[0].step else {
            Issue.record("not a task")
            return
        }
        #expect(task.undo != nil)
    }

    @Test("steps are asked for when the workflow is registered, and not while runs go on")
    func asked() async throws {
        let asked = Guarded(0)
        try await EmbeddedRunner.run(Counted(asked: asked), on: MemoryStore(clock: { TestClock.now() })) { runner in
            let before = asked.withLock { $0 }
            for _ in 0..<3 { _ = try await runner.start(Counted.self, context: .init()).outcome() }
            #expect(asked.withLock { $0 } == before)
        }
    }
}

private struct Changing: Workflow {
    static let name = "changing"
    static let version = 1
    enum State: String, WorkflowState { case work, end }
    struct Context: Codable, Sendable {}
    var attempts: Int

    func step(in state: State) -> Step<Self> {
        switch state {
        case .work: .task(Work(), retry: .exponential(attempts: self.attempts), to: .end)
        case .end: .exit
        }
    }

    struct Work: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {}
    }
}

private struct Counted: Workflow {
    static let name = "counted"
    static let version = 1
    enum State: String, WorkflowState { case work, end }
    struct Context: Codable, Sendable {}
    let asked: Guarded<Int>

    func step(in state: State) -> Step<Self> {
        self.asked.withLock { $0 += 1 }
        switch state {
        case .work: return .task(Work(), to: .end)
        case .end: return .exit
        }
    }

    struct Work: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {}
    }
}

private struct Misfit: Workflow {
    static let name = "misfit"
    static let version = 1
    enum State: String, WorkflowState { case begin, split, route, join, end, lost }
    struct Context: Codable, Sendable { var items: [Int] = [] }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .begin: .task(Choose(), to: .split, .join)
        case .split: .split(over: \.items, IsEven(), to: .join)
        case .join: .task(Sum(), to: .route)
        case .route: .router(Route(), to: .end)
        case .end, .lost: .exit
        }
    }

    struct Choose: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws -> State { .split }
    }

    struct IsEven: BranchTask {
        func run(_ item: Int, _ task: TaskContext) async throws -> Bool { item.isMultiple(of: 2) }
    }

    struct Sum: JoinTask {
        func run(_ context: inout Context, _ branches: [BranchResult<Int>], _ task: TaskContext) async throws {}
    }

    struct Route: RouterTask, Compensatable {
        func route(_ context: Context, _ task: TaskContext) async throws -> State { .end }
        func undo(_ output: Bool?, _ task: TaskContext) async throws {}
    }
}

private struct Helped: Workflow {
    static let name = "helped"
    static let version = 1
    enum State: String, WorkflowState { case work, end }
    struct Context: Codable, Sendable {}

    func step(in state: State) -> Step<Self> {
        switch state {
        case .work: self.patient(Work())
        case .end: .exit
        }
    }

    func patient<T: ContextTask>(_ task: T) -> Step<Self> where T.Context == Context {
        .task(task, retry: .fixed(attempts: 100, every: .seconds(1)), to: .end)
    }

    struct Work: ContextTask, Compensatable {
        func run(_ context: inout Context, _ task: TaskContext) async throws -> Int { 1 }
        func undo(_ output: Int?, _ task: TaskContext) async throws {}
    }
}
