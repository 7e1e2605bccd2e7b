// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

/// What went wrong with checkpoints elsewhere, reproduced; each test carries the id of the defect.
@Suite("Known defects of checkpoints")
struct CheckpointDefectTests {
    private static func memory() -> MemoryStore { MemoryStore(clock: { TestClock.now() }) }

    /// Starts a run by its key, as often as it takes: nobody knows whether a start was written whose answer was lost.
    private static func start(_ key: String, on runner: EmbeddedRunner) async throws -> EmbeddedRun<Line> {
        while true {
            do {
                return try await runner.start(Line.self, context: .init(), key: key)
            } catch let error as CanoError where error.code == .notOwner {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    /// Starts a run that stops in its second state, lets the process die there, and returns the run.
    private static func dieInTwo(_ ledger: Ledger, on store: any RunStore) async throws -> RunID {
        let gate = Gate()
        return try await EmbeddedRunner.run(
            Line(ledger: ledger, bodies: [.two: { _ in try await gate.pass() }]),
            on: store
        ) { runner in
            let run = try await runner.start(Line.self, context: .init(), key: "k")
            await gate.reached()
            return run.id
        }
    }

    @Test("L-CKPT-01: what a compensatable task did is not done again on resume", arguments: StoreOfTests.allCases)
    func completedIsNotRepeated(kind: StoreOfTests) async throws {
        try await kind.withStore { open in
            let ledger = Ledger()
            let first = try await open()
            let id = try await Self.dieInTwo(ledger, on: first)
            await first.close()
            let second = try await open()
            try await EmbeddedRunner.run(Line(ledger: ledger), on: second) { runner in
                _ = try await runner.handle(id, of: Line.self).outcome()
            }
            await second.close()
            #expect(ledger.all == ["one", "two", "two", "three"])
        }
    }

    @Test("L-CKPT-02: a resumed state finds the context as it was", arguments: StoreOfTests.allCases)
    func contextIsDurable(kind: StoreOfTests) async throws {
        try await kind.withStore { open in
            let first = try await open()
            let id = try await Self.dieInTwo(Ledger(), on: first)
            await first.close()
            let second = try await open()
            try await EmbeddedRunner.run(Line(ledger: Ledger()), on: second) { runner in
                let result = try await runner.handle(id, of: Line.self).outcome()
                #expect(result.context.log == ["one", "two", "three"])
            }
            await second.close()
        }
    }

    @Test("L-CKPT-04: an owner that lost its shard undoes nothing, clears nothing, fails nothing")
    func losingOwnership() async throws {
        let (store, ledger, gate) = (Self.memory(), Ledger(), Gate())
        let line = Line(ledger: ledger, bodies: [.two: { _ in try await gate.pass() }])
        try await EmbeddedRunner.run(line, on: store) { runner in
            let run = try await runner.start(Line.self, context: .init())
            await gate.reached()
            // Another process takes the shard, and gives it up again.
            let thief = HostID(rawValue: "thief")
            let seen = try #require(await store.shards().first { $0.shard == run.id.shard }?.epoch)
            let taken = await store.take([ShardClaim(shard: run.id.shard, seen: seen)], for: thief, ttl: .seconds(10))
            #expect(taken.count == 1)
            await store.release(taken, for: thief)
            gate.open()
            let result = try await run.outcome()
            #expect(result.context.log == ["one", "two", "three"])
            let kinds = await store.history(of: run.id, after: 0, limit: 99).map(\.kind)
            #expect(!kinds.contains(.compensating))
        }
        #expect(!ledger.all.contains { $0.hasPrefix("undo") })
        #expect(ledger.count(of: "one") == 1)
    }

    @Test("L-CKPT-05: a run that is over is not started again by its key, and stays to be seen")
    func noSecondRun() async throws {
        let (store, ledger) = (Self.memory(), Ledger())
        try await EmbeddedRunner.run(Line(ledger: ledger), on: store) { runner in
            let first = try await runner.start(Line.self, context: .init(), key: "k")
            _ = try await first.outcome()
            let again = try await runner.start(Line.self, context: .init(), key: "k")
            #expect(again.id == first.id && !again.isNew)
            #expect(try await again.outcome().state == .done)
            #expect(await store.summaries(RunQuery { $0.status = .succeeded }).map(\.run) == [first.id])
            #expect(await store.history(of: first.id, after: 0, limit: 99).last?.kind == .finished)
        }
        #expect(ledger.all == ["one", "two", "three"])
    }

    @Test(
        "L-CKPT-05: orphaned runs are found and go on without anybody knowing their ids",
        arguments: StoreOfTests.allCases
    )
    func orphansGoOn(kind: StoreOfTests) async throws {
        try await kind.withStore { open in
            let ledger = Ledger()
            let first = try await open()
            let id = try await Self.dieInTwo(ledger, on: first)
            await first.close()
            let second = try await open()
            try await EmbeddedRunner.run(Line(ledger: ledger), on: second) { _ in
                while try await second.summary(of: id)?.status != .succeeded {
                    try await Task.sleep(for: .milliseconds(2))
                }
            }
            await second.close()
        }
    }

    @Test("L-CKPT-06: a store that is away for a while, or whose answers are lost, rolls nothing back")
    func storeHasABadDay() async throws {
        let ledger = Ledger()
        let store = BadDayStore(Self.memory())
        try await EmbeddedRunner.run(Line(ledger: ledger), on: store) { runner in
            let run = try await runner.start(Line.self, context: .init())
            store.expect([.unavailable, .unavailable, .writtenUnheard, .unavailable, .writtenUnheard])
            let other = try await Self.start("other", on: runner)
            #expect(try await run.outcome().context.log == ["one", "two", "three"])
            #expect(try await other.outcome().state == .done)
        }
        #expect(store.isOver)
        #expect(!ledger.all.contains { $0.hasPrefix("undo") })
    }

    @Test("L-CKPT-07: a store that hangs cannot make a run outlive its total time: it ends when the store is back")
    func deadlineIsStored() async throws {
        let (ledger, gate) = (Ledger(), Gate())
        let store = BadDayStore(Self.memory())
        try await EmbeddedRunner.run(Bounded(ledger: ledger, gate: gate), on: store) { runner in
            let run = try await runner.start(Bounded.self, context: .init())
            await gate.reached()
            store.expect(Array(repeating: .unavailable, count: 6))
            let error = await #expect(throws: CanoError.self) { try await run.outcome() }
            #expect(error?.message.contains("took longer") == true)
            #expect(try await run.status() == .timedOut)
        }
        #expect(ledger.all.last == "undo first")
    }

    @Test("L-CKPT-09: what is stored are declared names: renamed types resume what the old ones began")
    func renamedTypes() async throws {
        let (store, gate) = (Self.memory(), Gate())
        let id = try await EmbeddedRunner.run(OldNames.Shipping(gate: gate), on: store) { runner in
            let run = try await runner.start(OldNames.Shipping.self, context: .init())
            await gate.reached()
            return run.id
        }
        try await EmbeddedRunner.run(NewNames.Delivery(), on: store) { runner in
            let result = try await runner.handle(id, of: NewNames.Delivery.self).outcome()
            #expect(result.context.sent)
        }
    }

    @Test("L-CKPT-10: runs stay on their version, say so when nobody has it, and can be moved to the next one")
    func versions() async throws {
        let store = Self.memory()
        let id = try await EmbeddedRunner.run(Lamp.First(), on: store) { runner in
            let run = try await runner.start(Lamp.First.self, context: .init())
            while try await run.status() != .waiting { try await Task.sleep(for: .milliseconds(2)) }
            return run.id
        }
        var patient = EmbeddedRunner.Configuration()
        patient.limits.unservedTime = Span(milliseconds: 50)
        try await EmbeddedRunner.run(Lamp.Second(), on: store, configuration: patient) { runner in
            let old = runner.handle(id, of: Lamp.First.self)
            try await old.signal(Lamp.on, true)
            while try await old.status() != .blocked { try await Task.sleep(for: .milliseconds(2)) }
            #expect(await store.summary(of: id)?.note?.contains("no worker has the code of lamp@1") == true)
            let wrong = await #expect(throws: CanoError.self) {
                _ = try await runner.migrate("lamp", from: 1, to: 2, renamed: ["glow": "glaow"])
            }
            #expect(wrong?.code == .invalidInput)
            let report = try await runner.migrate("lamp", from: 1, to: 2, renamed: ["glow": "shine"])
            #expect(report.migrated == 1 && report.refused.isEmpty)
            let result = try await runner.handle(id, of: Lamp.Second.self).outcome()
            #expect(result.context.log == ["shine"])
            #expect(await store.summary(of: id)?.definition.version == 2)
        }
    }

    @Test("L-CKPT-11: a cancelled run is undone and over for good; a process that stops cancels nothing")
    func cancelIsNoPause() async throws {
        let (store, ledger, gate) = (Self.memory(), Ledger(), Gate())
        let stopped = try await Self.dieInTwo(ledger, on: store)
        #expect(await store.summary(of: stopped)?.status == .active)
        let line = Line(ledger: ledger, bodies: [.three: { _ in try await gate.pass() }])
        try await EmbeddedRunner.run(line, on: store) { runner in
            let run = runner.handle(stopped, of: Line.self)
            await gate.reached()
            try await run.cancel(by: "ann")
            let error = await #expect(throws: CanoError.self) { try await run.outcome() }
            #expect(error?.code == .cancelled)
        }
        #expect(ledger.all.suffix(2) == ["undo two two", "undo one one"])
        #expect(await store.load(stopped) == nil)
        #expect(await store.history(of: stopped, after: 0, limit: 99).last?.kind == .finished)
    }
}

/// A run that must be over soon, and hangs.
private struct Bounded: Workflow {
    static let name = "bounded"
    static let version = 1
    static let timeout: Duration? = .seconds(8)
    enum State: String, WorkflowState { case first, second, done }
    struct Context: Codable, Sendable {}
    let ledger: Ledger
    let gate: Gate

    func step(in state: State) -> Step<Self> {
        switch state {
        case .first: .task(First(ledger: self.ledger), to: .second)
        case .second: .task(Second(gate: self.gate), to: .done)
        case .done: .exit
        }
    }

    struct First: ContextTask, Compensatable {
        let ledger: Ledger
        func run(_ context: inout Context, _ task: TaskContext) async throws -> Bool { true }
        func undo(_ output: Bool?, _ task: TaskContext) async throws { self.ledger.add("undo first") }
    }

    struct Second: ContextTask {
        let gate: Gate
        func run(_ context: inout Context, _ task: TaskContext) async throws { try await self.gate.pass() }
    }
}

private enum OldNames {
    struct Shipping: Workflow {
        static let name = "shipping"
        static let version = 1
        enum State: String, WorkflowState { case send, done }
        struct Context: Codable, Sendable { var sent = false }
        let gate: Gate

        func step(in state: State) -> Step<Self> {
            switch state {
            case .send: .task(SendParcel(gate: self.gate), to: .done)
            case .done: .exit
            }
        }
    }

    struct SendParcel: ContextTask {
        static let taskName = "send"
        let gate: Gate
        func run(_ context: inout Shipping.Context, _ task: TaskContext) async throws {
            try await self.gate.pass()
        }
    }
}

private enum NewNames {
    struct Delivery: Workflow {
        static let name = "shipping"
        static let version = 1
        enum Stage: String, WorkflowState { case send, done }
        typealias State = Stage
        struct Context: Codable, Sendable { var sent = false }

        func step(in state: Stage) -> Step<Self> {
            switch state {
            case .send: .task(Dispatch(), to: .done)
            case .done: .exit
            }
        }
    }

    struct Dispatch: ContextTask {
        static let taskName = "send"
        func run(_ context: inout Delivery.Context, _ task: TaskContext) async throws { context.sent = true }
    }
}

/// Two versions of one workflow whose second state has another name.
private enum Lamp {
    static let on = Signal<Bool>("on")
    struct Context: Codable, Sendable { var log: [String] = [] }

    struct First: Workflow {
        static let name = "lamp"
        static let version = 1
        enum State: String, WorkflowState { case off, glow, done }
        typealias Context = Lamp.Context

        func step(in state: State) -> Step<Self> {
            switch state {
            case .off: .wait(for: Lamp.on, to: .glow)
            case .glow: .task(Glow(), to: .done)
            case .done: .exit
            }
        }
    }

    struct Second: Workflow {
        static let name = "lamp"
        static let version = 2
        enum State: String, WorkflowState { case off, shine, done }
        typealias Context = Lamp.Context

        func step(in state: State) -> Step<Self> {
            switch state {
            case .off: .wait(for: Lamp.on, to: .shine)
            case .shine: .task(Shine(), to: .done)
            case .done: .exit
            }
        }
    }

    struct Glow: SignalTask {
        func run(_ context: inout Context, _ signal: Bool, _ task: TaskContext) async throws {
            context.log.append("glow")
        }
    }

    struct Shine: SignalTask {
        func run(_ context: inout Context, _ signal: Bool, _ task: TaskContext) async throws {
            context.log.append("shine")
        }
    }
}
