// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

/// What went wrong with undoing elsewhere, reproduced; each test carries the id of the defect.
@Suite("Known defects of sagas")
struct SagaDefectTests {
    private static func memory() -> MemoryStore { MemoryStore(clock: { TestClock.now() }) }
    private static let fail: Line.Body = { _ in throw TaskFailure.permanent("no") }

    private static func run(_ line: Line, on store: any RunStore = memory()) async throws -> RunID {
        try await EmbeddedRunner.run(line, on: store) { runner in
            let run = try await runner.start(Line.self, context: .init())
            await #expect(throws: CanoError.self) { try await run.outcome() }
            return run.id
        }
    }

    @Test("L-SAGA-01: states that share a task type are undone by their own values")
    func sharedType() async throws {
        let ledger = Ledger()
        _ = try await Self.run(Line(ledger: ledger, bodies: [.three: Self.fail]))
        #expect(ledger.all == ["one", "two", "three", "undo two two", "undo one one"])
    }

    @Test(
        "L-SAGA-02: a rollback that was interrupted goes on backwards, and undoes nothing twice",
        arguments: StoreOfTests.allCases
    )
    func rollbackIsDurable(kind: StoreOfTests) async throws {
        try await kind.withStore { open in
            let (ledger, gate) = (Ledger(), Gate())
            let first = try await open()
            // The second undo never ends: the process dies in the middle of the way back.
            let line = Line(
                ledger: ledger,
                bodies: [.three: Self.fail],
                undos: [.one: { _ in try await gate.pass() }]
            )
            let id = try await EmbeddedRunner.run(line, on: first) { runner in
                let run = try await runner.start(Line.self, context: .init())
                await gate.reached()
                return run.id
            }
            #expect(try await first.summary(of: id)?.status == .compensating)
            await first.close()
            let second = try await open()
            // Forward again, the third state would succeed this time: it must not be asked.
            try await EmbeddedRunner.run(Line(ledger: ledger), on: second) { runner in
                _ = await #expect(throws: CanoError.self) { try await runner.handle(id, of: Line.self).outcome() }
            }
            await second.close()
            #expect(
                ledger.all == ["one", "two", "three", "undo two two", "undo one one", "undo one one"]
            )
            #expect(ledger.count(of: "three") == 1)
        }
    }

    @Test(
        "L-SAGA-03: what could not be undone is kept with its output, and a person retries, skips or resolves it",
        arguments: Intervention.Verb.allCases
    )
    func operatorVerbs(verb: Intervention.Verb) async throws {
        let (ledger, store, isBroken) = (Ledger(), Self.memory(), Guarded(true))
        let order = Stubborn(ledger: ledger, isBroken: { isBroken.withLock { $0 } })
        try await EmbeddedRunner.run(order, on: store) { runner in
            let run = try await runner.start(Stubborn.self, context: .init())
            while try await run.status() != .blocked { try await Task.sleep(for: .milliseconds(2)) }
            let pushed = await store.history(of: run.id, after: 0, limit: 99).first { $0.kind == .sagaPushed }
            #expect(pushed?.payload == .json("41"))
            isBroken.withLock { $0 = false }
            switch verb {
            case .retry: try await run.retry(note: "the bank is up")
            case .skip: try await run.skip(note: "written off")
            case .resolve: try await run.resolve(note: "paid back by hand")
            }
            await #expect(throws: CanoError.self) { try await run.outcome() }
            let last = await store.history(of: run.id, after: 0, limit: 99).last
            #expect(last?.number == (verb == .skip ? 1 : 0))
            #expect(await store.audit(limit: 9).contains { $0.action == verb.rawValue })
        }
        #expect(ledger.count(of: "undo 41") == (verb == .retry ? 2 : 1))
    }

    @Test("L-SAGA-04: an outcome that cannot be told undoes what was done once, and does not do it again")
    func undeliverable() async throws {
        let ledger = Ledger()
        try await EmbeddedRunner.run(Untellable(ledger: ledger), on: Self.memory()) { runner in
            let run = try await runner.start(Untellable.self, context: .init())
            await #expect(throws: CanoError.self) { try await run.outcome() }
        }
        #expect(ledger.all == ["pay", "undo unknown"])
    }

    @Test("L-SAGA-05: an undo that hangs is bounded by its own timeout, and tried again")
    func hangingUndo() async throws {
        let (ledger, gate) = (Ledger(), Gate())
        var line = Line(ledger: ledger, bodies: [.two: Self.fail])
        line.undos[.one] = { task in if task.attempt == 1 { try await gate.pass() } }
        line.undoPolicy.timeout = .milliseconds(50)
        let store = Self.memory()
        let id = try await Self.run(line, on: store)
        #expect(ledger.all == ["one", "two", "undo one one", "undo one one"])
        #expect(await store.history(of: id, after: 0, limit: 99).last?.number == 0)
    }

    @Test("a step that was in doubt when the run turned back is undone without an output")
    func inDoubt() async throws {
        let (ledger, gate, store) = (Ledger(), Gate(), Self.memory())
        let line = Line(ledger: ledger, bodies: [.two: { _ in try await gate.pass() }])
        let id = try await EmbeddedRunner.run(line, on: store) { runner in
            let run = try await runner.start(Line.self, context: .init())
            await gate.reached()
            return run.id
        }
        try await EmbeddedRunner.run(Line(ledger: ledger, bodies: [.two: Self.fail]), on: store) { runner in
            _ = await #expect(throws: CanoError.self) { try await runner.handle(id, of: Line.self).outcome() }
        }
        #expect(ledger.all == ["one", "two", "two", "undo two unknown", "undo one one"])
    }

    @Test("rollback is resumable after a crash at every commit, in exact reverse", arguments: 0..<12)
    func everyCommit(crash: Int) async throws {
        let (ledger, base) = (Ledger(), Self.memory())
        let store = BadDayStore(base)
        let line = Line(ledger: ledger, bodies: [.three: Self.fail])
        let id = try await EmbeddedRunner.run(line, on: store) { runner in
            let run = try await runner.start(Line.self, context: .init())
            // From this commit on everything is written, and the process hears nothing more of it.
            for _ in 0..<crash where try await !run.status().isFinished {
                try await Task.sleep(for: .milliseconds(1))
            }
            store.expect([.writtenUnheard])
            return run.id
        }
        let again = Line(ledger: ledger, bodies: [.three: Self.fail])
        try await EmbeddedRunner.run(again, on: base) { runner in
            _ = await #expect(throws: CanoError.self) { try await runner.handle(id, of: Line.self).outcome() }
        }
        let rows = await base.history(of: id, after: 0, limit: 99)
        let pushed = rows.filter { $0.kind == .sagaPushed }.map { Int64($0.seq) }
        #expect(rows.filter { $0.kind == .compensated }.compactMap(\.number) == pushed.reversed())
        #expect(Set(ledger.all).isSuperset(of: ["undo one one", "undo two two"]))
    }
}

/// A payment whose undo fails as long as the test says so.
private struct Stubborn: Workflow {
    static let name = "stubborn"
    static let version = 1
    static let onUndoFailure = UndoFailure.block
    enum State: String, WorkflowState { case pay, ship, done }
    struct Context: Codable, Sendable {}
    let ledger: Ledger
    let isBroken: @Sendable () -> Bool

    func step(in state: State) -> Step<Self> {
        switch state {
        case .pay: .task(Pay(ledger: self.ledger, isBroken: self.isBroken), to: .ship)
        case .ship: .task(Ship(), to: .done)
        case .done: .exit
        }
    }

    struct Pay: ContextTask, Compensatable {
        let ledger: Ledger
        let isBroken: @Sendable () -> Bool
        var undoPolicy: UndoPolicy { UndoPolicy { $0.retry = .never } }

        func run(_ context: inout Context, _ task: TaskContext) async throws -> Int { 41 }

        func undo(_ amount: Int?, _ task: TaskContext) async throws {
            self.ledger.add("undo \(amount ?? -1)")
            if self.isBroken() { throw TaskFailure("the bank is down") }
        }
    }

    struct Ship: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {
            throw TaskFailure.permanent("no parcel")
        }
    }
}

/// A payment whose output no JSON can tell.
private struct Untellable: Workflow {
    static let name = "untellable"
    static let version = 1
    enum State: String, WorkflowState { case pay, done }
    struct Context: Codable, Sendable {}
    let ledger: Ledger

    func step(in state: State) -> Step<Self> {
        switch state {
        case .pay: .task(Pay(ledger: self.ledger), to: .done)
        case .done: .exit
        }
    }

    struct Pay: ContextTask, Compensatable {
        let ledger: Ledger

        func run(_ context: inout Context, _ task: TaskContext) async throws -> Double {
            self.ledger.add("pay")
            return .infinity
        }

        func undo(_ output: Double?, _ task: TaskContext) async throws {
            self.ledger.add("undo \(output.map { "\($0)" } ?? "unknown")")
        }
    }
}
