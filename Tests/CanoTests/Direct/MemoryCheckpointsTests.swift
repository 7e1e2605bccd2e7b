// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@Suite("Checkpoints in memory")
struct MemoryCheckpointsTests {
    private let ledger = Ledger()
    private let gate = Gate()
    private let checkpoints = MemoryCheckpoints<Tale>()

    /// The first step is done, the second one waits for the gate.
    private var tale: Tale {
        Tale(
            first: .task(Tale.Deed(ledger: self.ledger), to: .second),
            second: .task(Tale.Note(ledger: self.ledger) { [gate] _, _ in try await gate.pass() }, to: .judge)
        )
    }

    /// Interrupts a run in its second step.
    private func interrupt(_ runner: InMemoryRunner<Tale>, endsBadly: Bool = false) async throws -> RunID {
        let checkpoints = self.checkpoints
        let run = Task { try await runner.run(.init(endsBadly: endsBadly), checkpoints: checkpoints) }
        await self.gate.reached()
        run.cancel()
        await #expect(throws: CancellationError.self) { try await run.value }
        return try #require(self.checkpoints.interrupted.first)
    }

    @Test("an interrupted run goes on in the state that it entered last, and nothing before is done again or undone")
    func resumes() async throws {
        let runner = try InMemoryRunner(self.tale)
        let run = try await self.interrupt(runner)
        #expect(self.ledger.all == ["deed"])
        let kept = try #require(self.checkpoints[run])
        #expect(kept.state == .second)
        #expect(kept.visit == 2)
        #expect(kept.context.notes == ["deed 1.1"])
        self.gate.open()
        let result = try await runner.resume(run, checkpoints: self.checkpoints)
        #expect(result.state == .done)
        #expect(result.context.notes == ["deed 1.1", "note 2.1"])
        #expect(self.ledger.all == ["deed", "note"])
        #expect(self.checkpoints.all.isEmpty)
    }

    @Test("a resumed run that fails undoes what it did before it was interrupted")
    func undoes() async throws {
        let runner = try InMemoryRunner(self.tale)
        let run = try await self.interrupt(runner, endsBadly: true)
        self.gate.open()
        let other = try InMemoryRunner(self.tale)
        let error = await #expect(throws: CanoError.self) { try await other.resume(run, checkpoints: checkpoints) }
        #expect(error?.code == .runFailed)
        #expect(self.ledger.all == ["deed", "note", "undo deed of first (first 1/step/undo)"])
        #expect(self.checkpoints.all.isEmpty)
    }

    @Test("an attempt that was interrupted is undone as unknown only when its step fails for good")
    func doubt() async throws {
        let (ledger, gate) = (self.ledger, self.gate)
        let deed = Tale.Deed(ledger: ledger) { _, _ in
            try await gate.pass()
            throw TaskFailure.permanent("no")
        }
        let tale = Tale(first: .task(deed, to: .second), second: .task(Tale.Choice(state: .judge), to: .judge, .failed))
        let runner = try InMemoryRunner(tale)
        let run = try await self.interrupt(runner)
        #expect(ledger.all.isEmpty)
        gate.open()
        await #expect(throws: CanoError.self) { try await runner.resume(run, checkpoints: checkpoints) }
        #expect(ledger.all == ["undo unknown (first 1/step/undo)"])
    }

    @Test("an outcome that comes after the interruption is kept")
    func late() async throws {
        let (ledger, gate) = (self.ledger, self.gate)
        // It does not heed its cancellation.
        let stubborn = Tale.Note(ledger: ledger) { _, _ in do { try await gate.pass() } catch {} }
        let tale = Tale(first: .task(stubborn, to: .second), second: .task(Tale.Note(ledger: ledger), to: .judge))
        let runner = try InMemoryRunner(tale)
        let run = try await self.interrupt(runner)
        #expect(self.checkpoints[run]?.state == .second)
        _ = try await runner.resume(run, checkpoints: self.checkpoints)
        #expect(ledger.all == ["note", "note"])
    }

    @Test("a split that was interrupted begins anew")
    func split() async throws {
        let gate = self.gate
        let twig = Tale.Twig { item, _ in
            if item == 0 { try await gate.pass() }
            return item
        }
        let fan = Tale(
            first: .split(over: Tale.Items(count: 2), twig, to: .second),
            second: .task(Tale.Gather(), to: .judge)
        )
        let runner = try InMemoryRunner(fan)
        let run = try await self.interrupt(runner)
        gate.open()
        let result = try await runner.resume(run, checkpoints: self.checkpoints)
        #expect(result.context.notes == ["0", "1"])
    }

    @Test("what a split did before it was interrupted and what it did again is undone once")
    func splitUndo() async throws {
        let (gate, ledger) = (self.gate, self.ledger)
        let bough = Tale.Bough(ledger: ledger) { item, _ in
            if item == 2 { try await gate.pass() }
            return item
        }
        let fan = Tale(
            first: .split(over: Tale.Items(count: 3), bough, to: .second),
            second: .task(Tale.Gather(), to: .judge)
        )
        let runner = try InMemoryRunner(fan)
        let run = try await self.interrupt(runner, endsBadly: true)
        gate.open()
        await #expect(throws: CanoError.self) { try await runner.resume(run, checkpoints: checkpoints) }
        #expect(ledger.all.sorted() == ["undo branch 0", "undo branch 1", "undo branch 2"])
    }

    @Test("a split that begins anew has the items that it had, and is undone by who knows what was done")
    func splitKeepsItems() async throws {
        let (gate, ledger) = (self.gate, self.ledger)
        let isSecond = Gate()
        let bough = Tale.Bough(ledger: ledger) { item, _ in
            if item == 1 { try await gate.pass() }
            // Done the first time, in doubt the second.
            if item == 0, gate.isOpen { try await isSecond.pass() }
            return item
        }
        let fan = Tale(
            first: .split(over: Shrinking(ledger: ledger), bough, retry: .never, timeout: .seconds(1), to: .second),
            second: .task(Tale.Gather(), to: .judge)
        )
        let runner = try InMemoryRunner(fan)
        let run = try await self.interrupt(runner)
        gate.open()
        await #expect(throws: CanoError.self) { try await runner.resume(run, checkpoints: checkpoints) }
        #expect(ledger.all.filter { $0 == "items" }.count == 1)
        #expect(ledger.all.filter { $0.hasPrefix("undo") }.sorted() == ["undo branch 0", "undo branch 1"])
    }

    /// Has no items when it is asked again.
    private struct Shrinking: ExpandTask {
        let ledger: Ledger

        func run(_ context: Tale.Context, _ task: TaskContext) async throws -> [Int] {
            defer { self.ledger.add("items") }
            return self.ledger.all.contains("items") ? [] : [0, 1]
        }
    }

    @Test("steps that were interrupted go on from their cursor")
    func steps() async throws {
        let (gate, ledger) = (self.gate, self.ledger)
        let march = Tale.March(ledger: ledger, steps: 4) { step, _ in if step == 3 { try await gate.pass() } }
        let tale = Tale(
            first: .stepped(march, to: .second),
            second: .task(Tale.Note(ledger: ledger), to: .judge)
        )
        let runner = try InMemoryRunner(tale)
        let run = try await self.interrupt(runner)
        #expect(ledger.all == ["step 1", "step 2"])
        gate.open()
        let result = try await runner.resume(run, checkpoints: self.checkpoints)
        #expect(ledger.all == ["step 1", "step 2", "step 3", "step 4", "note"])
        #expect(result.context.notes.last == "note 2.1")
    }

    @Test("steps go on from their cursor although the interrupted one failed with an error of its own")
    func failingSteps() async throws {
        let (gate, ledger) = (self.gate, self.ledger)
        let march = Tale.March(ledger: ledger) { step, _ in
            guard step == 2 else { return }
            do { try await gate.pass() } catch { throw TaskFailure("the client was cut off") }
        }
        let tale = Tale(
            first: .stepped(march, retry: .never, to: .second),
            second: .task(Tale.Note(ledger: ledger), to: .judge)
        )
        let runner = try InMemoryRunner(tale)
        let run = try await self.interrupt(runner)
        gate.open()
        _ = try await runner.resume(run, checkpoints: self.checkpoints)
        #expect(ledger.all == ["step 1", "step 2", "step 3", "note"])
    }

    @Test("what succeeded too late and was interrupted then is undone once, and its deadline goes on")
    func lateAndInterrupted() async throws {
        let (gate, ledger, isLate) = (self.gate, self.ledger, Gate())
        let deed = Tale.Deed(ledger: ledger) { _, _ in await gate.passStubbornly { isLate.open() } }
        let tale = Tale(
            first: .task(deed, to: .second).within(.milliseconds(20)),
            second: .task(Tale.Note(ledger: ledger), to: .judge)
        )
        let runner = try InMemoryRunner(tale)
        let checkpoints = self.checkpoints
        let task = Task { try await runner.run(.init(), checkpoints: checkpoints) }
        try await isLate.pass()
        task.cancel()
        gate.open()
        await #expect(throws: CancellationError.self) { try await task.value }
        let run = try #require(checkpoints.interrupted.first)
        let error = await #expect(throws: CanoError.self) { try await runner.resume(run, checkpoints: checkpoints) }
        #expect(error?.message.contains("deadline") ?? false)
        #expect(ledger.all == ["deed", "undo deed of first (first 1/step/undo)"])
    }

    @Test("different branches that were interrupted and run again are undone once")
    func parallelUndo() async throws {
        let (gate, ledger) = (self.gate, self.ledger)
        let tale = Tale(
            first: .parallel(
                Tale.Say(ledger: ledger),
                Tale.Count { _ in
                    try await gate.pass()
                    return 1
                },
                to: .second
            ) { _, _ in },
            second: .task(Tale.Note(ledger: ledger), to: .judge)
        )
        let runner = try InMemoryRunner(tale)
        let run = try await self.interrupt(runner, endsBadly: true)
        gate.open()
        await #expect(throws: CanoError.self) { try await runner.resume(run, checkpoints: checkpoints) }
        #expect(ledger.all == ["note", "unsay word (1)"])
    }

    @Test("a batch that was interrupted at its end does not process its items again")
    func gathering() async throws {
        let (gate, ledger) = (self.gate, self.ledger)
        let batch = Tale.Batch(
            count: 2,
            does: { item, _ in
                ledger.add("item")
                return item
            },
            also: { _ in try await gate.pass() }
        )
        let tale = Tale(
            first: .batch(batch, to: .second),
            second: .task(Tale.Note(ledger: ledger), to: .judge)
        )
        let runner = try InMemoryRunner(tale)
        let run = try await self.interrupt(runner)
        #expect(self.checkpoints[run]?.visit == 2)
        gate.open()
        let result = try await runner.resume(run, checkpoints: self.checkpoints)
        #expect(ledger.all == ["item", "item", "note"])
        #expect(result.context.notes == ["finish 2.1", "0", "1", "note 3.1"])
    }

    @Test("the total time of a run goes on while it is interrupted")
    func totalTime() async throws {
        let checkpoints = MemoryCheckpoints<Hurried>()
        let runner = try InMemoryRunner(Hurried(ledger: self.ledger))
        var kept: RunID?
        // On a busy machine its time may be up before it is interrupted.
        while kept == nil {
            let run = Task { try await runner.run(.init(), checkpoints: checkpoints) }
            while checkpoints.all.first?.state == .work { await Task.yield() }
            run.cancel()
            await #expect(throws: (any Error).self) { try await run.value }
            kept = checkpoints.interrupted.first
        }
        try await Task.sleep(for: .milliseconds(60))
        let run = try #require(kept)
        let done = self.ledger.all.count
        let error = await #expect(throws: CanoError.self) { try await runner.resume(run, checkpoints: checkpoints) }
        #expect(error?.message.hasSuffix("the run took longer than its definition allows") ?? false)
        // Its step is not begun again.
        #expect(self.ledger.all.dropFirst(done) == ["undo deed of work (work 1/step/undo)"])
    }

    @Test("a run that is resumed too late undoes what may have been done, but not one that had reached its end")
    func tooLate() async throws {
        for ends in [false, true] {
            let (ledger, gate) = (Ledger(), Gate())
            let checkpoints = MemoryCheckpoints<Late>()
            let runner = try InMemoryRunner(Late(ledger: ledger, gate: gate, isStubborn: ends))
            let run = Task { try await runner.run(.init(), checkpoints: checkpoints) }
            await gate.reached()
            run.cancel()
            await #expect(throws: CancellationError.self) { try await run.value }
            let id = try #require(checkpoints.interrupted.first)
            #expect(checkpoints[id]?.state == (ends ? .done : .work))
            try await Task.sleep(for: .milliseconds(2100))
            if ends {
                #expect(try await runner.resume(id, checkpoints: checkpoints).state == .done)
                #expect(ledger.all == ["deed"])
            } else {
                await #expect(throws: CanoError.self) { try await runner.resume(id, checkpoints: checkpoints) }
                #expect(ledger.all == ["undo unknown (work 1/step/undo)"])
            }
        }
    }

    /// A run with two seconds, and a deed that may not heed its cancellation.
    private struct Late: Workflow {
        static let name = "late"
        static let version = 1
        static let timeout: Duration? = .seconds(2)
        enum State: String, WorkflowState { case work, done }
        typealias Context = Tale.Context
        let ledger: Ledger
        let gate: Gate
        let isStubborn: Bool

        func step(in state: State) -> Step<Self> {
            switch state {
            case .work:
                .task(
                    Tale.Deed(ledger: self.ledger) { [gate, isStubborn] _, _ in
                        do { try await gate.pass() } catch { if !isStubborn { throw error } }
                    },
                    to: .done
                )
            case .done: .exit
            }
        }
    }

    @Test("only an interrupted run is resumed or discarded, and one that ended is forgotten")
    func refusals() async throws {
        let runner = try InMemoryRunner(self.tale)
        let run = Task { [checkpoints] in try await runner.run(.init(), checkpoints: checkpoints) }
        await self.gate.reached()
        let id = try #require(self.checkpoints.all.first?.run)
        #expect(!self.checkpoints.discard(id))
        let running = await #expect(throws: CanoError.self) { try await runner.resume(id, checkpoints: checkpoints) }
        #expect(running?.code == .wrongState)
        self.gate.open()
        _ = try await run.value
        let ended = await #expect(throws: CanoError.self) { try await runner.resume(id, checkpoints: checkpoints) }
        #expect(ended?.code == .unknownRun)
    }

    @Test("one run more than the limit is refused, until an interrupted one is discarded")
    func limit() async throws {
        let few = MemoryCheckpoints<Tale>(limit: 1)
        let runner = try InMemoryRunner(self.tale)
        let run = Task { try await runner.run(.init(), checkpoints: few) }
        await self.gate.reached()
        let error = await #expect(throws: CanoError.self) { try await runner.run(.init(), checkpoints: few) }
        #expect(error?.code == .limitExceeded)
        run.cancel()
        await #expect(throws: CancellationError.self) { try await run.value }
        self.gate.open()
        #expect(few.discard(try #require(few.interrupted.first)))
        _ = try await runner.run(.init(), checkpoints: few)
        #expect(self.ledger.all == ["deed", "deed", "note"])
    }
}
