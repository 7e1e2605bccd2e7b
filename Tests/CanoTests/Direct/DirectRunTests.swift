// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoSQLite
import FoundationEssentials
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@Suite("Runs without a store", .timeLimit(.minutes(5)))
struct DirectRunTests {
    /// How a run ended and what its tasks did, in words.
    struct Told: Equatable {
        var end: String
        var ledger: [String]
    }

    @Test("every way to run a workflow gives the same end, context and undos", arguments: TaleCase.all)
    func conformance(tale: TaleCase) async throws {
        let direct = try await Self.tell(tale) { try await InMemoryRunner($0).run(tale.context) }
        let memory = try await Self.tell(tale) { try await Self.run($0, tale.context, on: Self.memory()) }
        #expect(direct == memory)
        let path = "/tmp/cano-direct-\(UInt64.random(in: 0 ... .max)).sqlite"
        let store = try await SQLiteStore.open(path: path)
        let sqlite = try await Self.tell(tale) { try await Self.run($0, tale.context, on: store) }
        await store.close()
        for suffix in ["", "-wal", "-shm", ".lock"] { remove(path + suffix) }
        #expect(direct == sqlite)
    }

    @Test("a run whose task is cancelled undoes what it did")
    func cancelled() async throws {
        let ledger = Ledger()
        let gate = Gate()
        let tale = Tale(
            first: .task(Tale.Deed(ledger: ledger), to: .second),
            second: .task(Tale.Note(ledger: ledger) { _, _ in try await gate.pass() }, to: .judge)
        )
        let runner = try InMemoryRunner(tale)
        let run = Task { try await runner.run(.init()) }
        await gate.reached()
        run.cancel()
        let error = await #expect(throws: CanoError.self) { try await run.value }
        #expect(error?.code == .cancelled)
        #expect(ledger.all == ["deed", "undo deed of first (first 1/step/undo)"])
    }

    @Test("an undo runs although its run's task is cancelled, and one that can be undone counts although it came late")
    func undoIsNotCancelled() async throws {
        let ledger = Ledger()
        let gate = Gate()
        let late = Tale.Deed(
            deed: "late",
            ledger: ledger,
            also: { _, _ in
                // It does not heed its cancellation.
                do { try await gate.pass() } catch {}
            },
            undoing: { _ in try Task.checkCancellation() }
        )
        let tale = Tale(first: .task(Tale.Deed(ledger: ledger), to: .second), second: .task(late, to: .judge))
        let runner = try InMemoryRunner(tale)
        let run = Task { try await runner.run(.init()) }
        await gate.reached()
        run.cancel()
        _ = await #expect(throws: CanoError.self) { try await run.value }
        #expect(Array(ledger.all.prefix(3)) == ["deed", "late", "undo late of second (second 2/step/undo)"])
    }

    @Test("the total time of a run undoes it")
    func totalTime() async throws {
        let ledger = Ledger()
        let error = await #expect(throws: CanoError.self) { try await Hurried(ledger: ledger).run(.init()) }
        #expect(error?.code == .runFailed)
        #expect(error?.message.hasSuffix("the run took longer than its definition allows") ?? false)
        #expect(ledger.all == ["deed", "undo deed of work (work 1/step/undo)"])
    }

    @Test("branches that suspend all run at once, those that do not share tasks", arguments: [1, 2, 3, 50, 500])
    func branchesMeet(count: Int) async throws {
        let meeting = Meeting(of: count)
        let tale = Tale(
            first: .split(
                over: Tale.Items(count: count * 2),
                Tale.Twig { item, _ in
                    if item.isMultiple(of: 2) { await meeting.join() }
                    return item
                },
                to: .second
            ),
            second: .task(Tale.Gather(), to: .judge)
        )
        let result = try await tale.run(.init())
        #expect(result.context.notes == (0..<count * 2).map { "\($0)" })
    }

    @Test("a workflow with a mistake is refused before its first run")
    func mistake() {
        let tale = Tale(first: .task(Tale.Gather(), to: .second), second: .task(Tale.Gather(), to: .judge))
        let error = #expect(throws: CanoError.self) { try InMemoryRunner(tale) }
        #expect(error?.code == .invalidDefinition)
    }

    @Test("what only the durable engine does is refused before the first run, with the state and the shape")
    func needsStore() {
        let stream = #expect(throws: CanoError.self) { try InMemoryRunner(Feed()) }
        #expect(stream?.message.contains("state 'sum' has a stream") ?? false)
        let hedged = #expect(throws: CanoError.self) {
            let note = Tale.Note(ledger: Ledger())
            return try InMemoryRunner(
                Tale(first: .task(note, to: .second).hedged(after: .seconds(1)), second: .task(note, to: .judge))
            )
        }
        #expect(hedged?.message.contains("state 'first' has hedging") ?? false)
        let heartbeat = #expect(throws: CanoError.self) {
            let parallel = Step<Tale>.parallel(Tale.Count(), Tale.Count(), to: .second) { _, _ in }
            let note = Tale.Note(ledger: Ledger())
            return try InMemoryRunner(
                Tale(first: parallel.heartbeat(within: .seconds(1)), second: .task(note, to: .judge))
            )
        }
        #expect(heartbeat?.message.contains("state 'first' has a heartbeat") ?? false)
    }

    @Test("no more branches run at once than the split allows, and as many do", arguments: [1, 3, 20])
    func inFlight(most: Int) async throws {
        let running = Guarded((now: 0, most: 0))
        let meeting = Meeting(of: most)
        let twig = Tale.Twig { item, _ in
            running.withLock { running in
                running.now += 1
                running.most = max(running.most, running.now)
            }
            // The first ones wait for each other, so there must be as many.
            if item < most { await meeting.join() } else { await Task.yield() }
            running.withLock { $0.now -= 1 }
            return item
        }
        let tale = Tale(
            first: .split(over: Tale.Items(count: 60), twig, inFlight: most, to: .second),
            second: .task(Tale.Gather(), to: .judge)
        )
        #expect(try await tale.run(.init()).context.notes == (0..<60).map { "\($0)" })
        #expect(running.withLock { $0.most } == most)
    }

    @Test("a bound of branches and a bound of time hold together")
    func inFlightInTime() async throws {
        let twig = Tale.Twig { item, _ in
            if item > 0 { try await Task.sleep(for: .seconds(3600)) }
            return item
        }
        let join = JoinPolicy.partial(atLeast: 1, within: .milliseconds(100))
        let tale = Tale(
            first: .split(over: Tale.Items(count: 4), twig, join: join, inFlight: 2, to: .second),
            second: .task(Tale.Gather(), to: .judge)
        )
        #expect(try await tale.run(.init()).context.notes == ["0", "cancelled", "cancelled", "cancelled"])
    }

    @Test("the first step has no cursor, also when a cursor may be nothing")
    func optionalCursor() async throws {
        let tale = Tale(
            first: .stepped(Pages(), to: .second),
            second: .task(Tale.Choice(state: .judge), to: .judge, .failed)
        )
        #expect(try await tale.run(.init()).context.notes == ["done by attempt 2"])
    }

    /// Reads two pages; the token of the second one is none.
    private struct Pages: SteppedTask {
        func step(
            _ context: inout Tale.Context,
            after cursor: String??,
            _ task: TaskContext
        ) async throws -> StepAnswer<String?, Void> {
            switch cursor {
            case nil: return .more(nil)
            case .some(nil):
                context.notes = ["done by attempt \(task.attempt)"]
                return .done
            case .some(.some(let token)): throw TaskFailure.permanent("no such page: \(token)")
            }
        }
    }

    @Test("a run whose time is up already is not cancelled any more")
    func firstReason() async throws {
        let (ledger, gate, isLate) = (Ledger(), Gate(), Gate())
        let stubborn = Tale.Note(ledger: ledger) { _, _ in await gate.passStubbornly { isLate.open() } }
        let tale = Tale(
            first: .task(Tale.Deed(ledger: ledger), to: .second),
            second: .task(stubborn, to: .judge).within(.milliseconds(20))
        )
        let runner = try InMemoryRunner(tale)
        let run = Task { try await runner.run(.init()) }
        try await isLate.pass()
        run.cancel()
        gate.open()
        let error = await #expect(throws: CanoError.self) { try await run.value }
        #expect(error?.message.contains("deadline") ?? false)
        #expect(ledger.all.last == "undo deed of first (first 1/step/undo)")
    }

    @Test("a wait until a date is not over before")
    func date() async throws {
        let due = Date(timeIntervalSinceNow: 0.2)
        let tale = Tale(
            first: .wait(to: .second) { _ in due },
            second: .task(Tale.Choice(state: .judge), to: .judge, .failed)
        )
        _ = try await tale.run(.init())
        #expect(Date.now >= due)
    }

    @Test("a workflow of different branches, a batch and local states is the same without a store")
    func shop() async throws {
        for parcels in [[], [1, 2, 3], [4, -1]] {
            let (direct, stored) = (Ledger(), Ledger())
            let here = await Self.result { try await Shop(ledger: direct).run(.init(parcels: parcels)) }
            let there = await Self.result {
                try await EmbeddedRunner.run(Shop(ledger: stored), on: Self.memory()) { runner in
                    try await runner.start(Shop.self, context: .init(parcels: parcels)).outcome()
                }
            }
            #expect(here == there)
            #expect(direct.all.sorted() == stored.all.sorted())
        }
    }

    private static func result(_ run: () async throws -> RunResult<Shop>) async -> String {
        do {
            let result = try await run()
            return "\(result.state) \(result.context)"
        } catch let error as CanoError { return error.code.name } catch { return "\(error)" }
    }

    // MARK: Telling

    private static func tell(_ tale: TaleCase, _ run: (Tale) async throws -> RunResult<Tale>) async throws -> Told {
        let ledger = Ledger()
        let end: String
        do {
            let result = try await run(tale.tale(ledger))
            end = "\(result.state): \(result.context.notes)"
        } catch let error as CanoError {
            // "run ID failed: …", and the id is another one each time.
            end = "\(error.code.name): " + error.message.split(separator: " ").dropFirst(2).joined(separator: " ")
        }
        return Told(end: end, ledger: tale.isUnordered ? ledger.all.sorted() : ledger.all)
    }

    private static func run(
        _ tale: Tale,
        _ context: Tale.Context,
        on store: any RunStore
    ) async throws -> RunResult<Tale> {
        var configuration = EmbeddedRunner.Configuration()
        configuration.limits.listenTime = Span(milliseconds: 1)
        return try await EmbeddedRunner.run(tale, on: store, configuration: configuration) { runner in
            try await runner.start(Tale.self, context: context).outcome()
        }
    }

    private static func memory() -> any RunStore {
        MemoryStore(clock: { TestClock.now() })
    }
}

/// Has a total time that its second state does not keep.
struct Hurried: Workflow {
    static let name = "hurried"
    static let version = 1
    static let timeout: Duration? = .milliseconds(50)
    enum State: String, WorkflowState { case work, rest, done }
    typealias Context = Tale.Context
    let ledger: Ledger

    func step(in state: State) -> Step<Self> {
        switch state {
        case .work: .task(Tale.Deed(ledger: self.ledger), to: .rest)
        case .rest: .wait(.seconds(3600), to: .done)
        case .done: .exit
        }
    }
}

/// Lets nobody go before everybody has come.
private actor Meeting {
    private let size: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(of size: Int) { self.size = size }

    func join() async {
        await withCheckedContinuation { continuation in
            self.waiting.append(continuation)
            guard self.waiting.count == self.size else { return }
            for one in self.waiting { one.resume() }
        }
    }
}

extension Gate {
    /// Waits although the task is cancelled, which it tells.
    func passStubbornly(_ cancelled: @escaping @Sendable () -> Void) async {
        await withTaskCancellationHandler {
            await Task { try? await self.pass() }.value
        } onCancel: {
            cancelled()
        }
    }
}
