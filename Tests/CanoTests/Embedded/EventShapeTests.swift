// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@Suite("Waits, children and people, embedded")
struct EventShapeTests {
    private static func catalogue(
        _ ledger: Ledger,
        patience: Duration = .seconds(3600),
        gate: Gate? = nil
    ) throws -> WorkCatalogue {
        var catalogue = WorkCatalogue()
        try catalogue.add(Order(ledger: ledger, patience: patience))
        try catalogue.add(Bill(ledger: ledger, gate: gate))
        return catalogue
    }

    private static func wait(for status: RunStatus, of run: EmbeddedRun<Order>) async throws {
        while try await run.status() != status { try await Task.sleep(for: .milliseconds(2)) }
    }

    @Test(
        "an approval ends a wait across a restart, and the child's end moves the parent",
        arguments: StoreOfTests.allCases
    )
    func approved(kind: StoreOfTests) async throws {
        try await kind.withStore { open in
            let ledger = Ledger()
            let first = try await open()
            let id = try await EmbeddedRunner.run(Self.catalogue(ledger), on: first) { runner in
                let run = try await runner.start(Order.self, context: .init(amount: 7))
                try await Self.wait(for: .waiting, of: run)
                return run.id
            }
            await first.close()
            let second = try await open()
            try await EmbeddedRunner.run(Self.catalogue(ledger), on: second) { runner in
                let run = runner.handle(id, of: Order.self)
                #expect(try await run.signal(.approval, Approval(approved: true, by: "eva"), id: "click"))
                #expect(try await !run.signal(.approval, Approval(approved: false, by: "eva"), id: "click"))
                let result = try await run.outcome()
                #expect(result.context.log == ["approved by eva", "billed 7"])
            }
            #expect(ledger.all == ["reserve", "send"])
            let child = try await second.summaries(RunQuery { $0.workflow = "bill" }).first
            #expect(child?.key == "\(id)/4")
            #expect(try await second.audit(limit: 9).filter { $0.action == "signal" }.count == 2)
            await second.close()
        }
    }

    @Test("a child that was interrupted goes on after a restart, and its parent too", arguments: StoreOfTests.allCases)
    func interruptedChild(kind: StoreOfTests) async throws {
        try await kind.withStore { open in
            let (ledger, gate) = (Ledger(), Gate())
            let first = try await open()
            let id = try await EmbeddedRunner.run(Self.catalogue(ledger, gate: gate), on: first) { runner in
                let run = try await runner.start(Order.self, context: .init(amount: 5))
                try await run.signal(.approval, Approval(approved: true, by: "eva"))
                await gate.reached()
                return run.id
            }
            await first.close()
            gate.open()
            let second = try await open()
            try await EmbeddedRunner.run(Self.catalogue(ledger, gate: gate), on: second) { runner in
                let result = try await runner.handle(id, of: Order.self).outcome()
                #expect(result.context.log == ["approved by eva", "billed 5"])
            }
            #expect(ledger.count(of: "send") == 1)
            await second.close()
        }
    }

    @Test(
        "a wait that nobody ends goes where it says, also when the process was away at that time",
        arguments: StoreOfTests.allCases
    )
    func late(kind: StoreOfTests) async throws {
        try await kind.withStore { open in
            let ledger = Ledger()
            let patience = Duration.milliseconds(300)
            let first = try await open()
            let id = try await EmbeddedRunner.run(Self.catalogue(ledger, patience: patience), on: first) { runner in
                let run = try await runner.start(Order.self, context: .init(amount: 7))
                try await Self.wait(for: .waiting, of: run)
                return run.id
            }
            await first.close()
            try await Task.sleep(for: patience)
            let second = try await open()
            try await EmbeddedRunner.run(Self.catalogue(ledger, patience: patience), on: second) { runner in
                let error = await #expect(throws: CanoError.self) {
                    try await runner.handle(id, of: Order.self).outcome()
                }
                #expect(error?.message.contains("'late'") == true)
            }
            #expect(ledger.all == ["reserve", "undo reserve 7"])
            await second.close()
        }
    }

    @Test("a child that fails does not fail its parent by itself: the task behind it decides")
    func failedChild() async throws {
        let ledger = Ledger()
        try await EmbeddedRunner.run(Self.catalogue(ledger), on: MemoryStore(clock: { TestClock.now() })) { runner in
            let run = try await runner.start(Order.self, context: .init(amount: -1))
            try await run.signal(.approval, Approval(approved: true, by: "eva"))
            let error = await #expect(throws: CanoError.self) { try await run.outcome() }
            #expect(error?.message.contains("the bill failed") == true)
        }
        #expect(ledger.all == ["reserve", "undo reserve -1"])
    }

    @Test("a blocked undo waits for a person across restarts, and retry ends it", arguments: StoreOfTests.allCases)
    func blockedUndo(kind: StoreOfTests) async throws {
        try await kind.withStore { open in
            let ledger = Ledger()
            let first = try await open()
            let id = try await EmbeddedRunner.run(Self.catalogue(ledger), on: first) { runner in
                let run = try await runner.start(Order.self, context: .init(amount: 13))
                try await run.signal(.approval, Approval(approved: false, by: "eva"))
                try await Self.wait(for: .blocked, of: run)
                return run.id
            }
            await first.close()
            let second = try await open()
            try await EmbeddedRunner.run(Self.catalogue(ledger), on: second) { runner in
                let run = runner.handle(id, of: Order.self)
                let note = try await second.summary(of: id)?.note
                #expect(note?.contains("the undo of 'reserve' failed 1 times") == true)
                try await run.retry(note: "the warehouse is open")
                await #expect(throws: CanoError.self) { try await run.outcome() }
            }
            #expect(ledger.count(of: "undo reserve 13") == 2)
            let finished = try await second.history(of: id, after: 0, limit: 99).last
            #expect(finished?.kind == .finished && finished?.number == 0)
            await second.close()
        }
    }

    @Test("what is sent, asked or started wrongly is refused by name")
    func refused() async throws {
        let ledger = Ledger()
        try await EmbeddedRunner.run(Self.catalogue(ledger), on: MemoryStore(clock: { TestClock.now() })) { runner in
            let run = try await runner.start(Order.self, context: .init(amount: 7))
            let unknown = await #expect(throws: CanoError.self) {
                try await run.signal(Signal<Int>("aproval"), 3)
            }
            #expect(unknown?.message.contains("did you mean 'approval'?") == true)
            let notBlocked = await #expect(throws: CanoError.self) { try await run.retry() }
            #expect(notBlocked?.code == .wrongState)
            let key = await #expect(throws: CanoError.self) {
                _ = try await runner.start(Order.self, context: .init(amount: 7), key: "\(run.id)/3")
            }
            #expect(key?.code == .invalidInput)
            try await run.cancel()
            await #expect(throws: CanoError.self) { try await run.outcome() }
            let over = await #expect(throws: CanoError.self) {
                try await run.signal(.approval, Approval(approved: true, by: "eva"))
            }
            #expect(over?.code == .wrongState)
        }
    }

    @Test("a task whose signal or child is of another type than the state before it hands over is a mistake at once")
    func types() {
        let error = #expect(throws: CanoError.self) {
            var catalogue = WorkCatalogue()
            try catalogue.add(Mismatched())
        }
        #expect(error?.message.contains("expects Approval, but state 'ask' hands it Int") == true)
    }
}

private struct Mismatched: Workflow {
    static let name = "mismatched"
    static let version = 1
    enum State: String, WorkflowState { case ask, decide, done }
    struct Context: Codable, Sendable {}

    func step(in state: State) -> Step<Self> {
        switch state {
        case .ask: .wait(for: Signal<Int>("number"), to: .decide)
        case .decide: .task(Decide(), to: .done)
        case .done: .exit
        }
    }

    struct Decide: SignalTask {
        func run(_ context: inout Context, _ signal: Approval, _ task: TaskContext) async throws {}
    }
}
