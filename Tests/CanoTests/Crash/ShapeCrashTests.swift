// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoSQLite
import CanoTesting
import Testing

/// Every shape, with a death before and behind every commit and every attempt: the outcome is the same, and each
/// piece of work counts once.
@Suite("Crash points of every shape")
struct ShapeCrashTests {
    /// On what the runs are kept.
    enum Kept: String, CaseIterable, Sendable {
        case memory, file

        @Sendable func fixture(_ clock: VirtualClock) -> StoreFixture {
            switch self {
            case .memory: .memory(clock: clock.storeTime)
            case .file: .file { try await SQLiteStore.open(path: $0, clock: clock.storeTime, preallocating: 0) }
            }
        }
    }

    @Test("a task, a split and what is behind its join", arguments: Kept.allCases)
    func split(kept: Kept) async throws {
        let points = try await Self.check(Trip(ledger: Ledger()), .init(legs: ["a", "b", "flaky"]), kept)
        #expect(points.contains(.afterAttempt(5)))
    }

    @Test("a run that turns back, with branches to undo", arguments: Kept.allCases)
    func rollback(kept: Kept) async throws {
        let context = Trip.Context(legs: ["a", "b"], failPayment: true)
        let points = try await Self.check(Trip(ledger: Ledger()), context, kept)
        #expect(points.contains(.afterAttempt(9)), "three attempts to pay, three undos")
    }

    @Test("a poll and a timer", arguments: Kept.allCases)
    func poll(kept: Kept) async throws {
        let points = try await Self.check(Parcel(), .init(), kept)
        #expect(points.contains(.afterAttempt(3)))
    }

    @Test("parallel tasks, a batch, a router and local states", arguments: Kept.allCases)
    func branches(kept: Kept) async throws {
        let points = try await Self.check(Shop(), .init(parcels: [3, -1, 5]), kept)
        #expect(points.contains(.afterAttempt(8)))
    }

    @Test("a router where the run begins", arguments: Kept.allCases)
    func router(kept: Kept) async throws {
        let points = try await Self.check(Fork(), .init(), kept)
        #expect(points.contains(.afterAttempt(2)))
    }

    @Test("a stream", arguments: Kept.allCases)
    func stream(kept: Kept) async throws {
        let points = try await Self.check(Feed(), .init(count: 5), kept)
        #expect(points.contains(.afterCommit(4)))
    }

    @Test("a stepped task", arguments: Kept.allCases)
    func stepped(kept: Kept) async throws {
        let points = try await Self.check(Import(ledger: Ledger()), .init(rows: 6), kept)
        #expect(points.contains(.afterAttempt(8)))
    }

    @Test("a signal that is awaited, and a child run", arguments: Kept.allCases)
    func signalAndChild(kept: Kept) async throws {
        var catalogue = WorkCatalogue()
        try catalogue.add(Bill(ledger: Ledger()))
        let order = Order(ledger: Ledger())
        let points = try await Self.check(order, .init(amount: 7), kept, beside: catalogue) { run in
            do { try await run.signal(.approval, Approval(approved: true, by: "eva"), id: "click") } catch let error
                as CanoError
                where error.code == .wrongState
            {
                // The run that the process before left behind is over.
            }
        }
        #expect(points.contains(.afterAttempt(4)))
    }

    @Test("a wait that nobody ends, and the undo behind it", arguments: Kept.allCases)
    func late(kept: Kept) async throws {
        var catalogue = WorkCatalogue()
        try catalogue.add(Bill(ledger: Ledger()))
        let points = try await Self.check(Order(ledger: Ledger()), .init(amount: 7), kept, beside: catalogue)
        #expect(points.contains(.afterAttempt(2)))
    }

    // MARK: Checking

    private static func check<W: Workflow>(
        _ workflow: W,
        _ context: W.Context,
        _ kept: Kept,
        beside others: WorkCatalogue = WorkCatalogue(),
        meanwhile: @escaping @Sendable (EmbeddedRun<W>) async throws -> Void = { _ in }
    ) async throws -> [CrashPoint] {
        var catalogue = others
        try catalogue.add(workflow)
        let all = catalogue
        return try await CrashMatrix { $0.fixture = kept.fixture }
            .check { trial in
                try await EmbeddedRunner.run(all, on: trial.store, configuration: trial.configuration) { runner in
                    let run = try await runner.start(W.self, context: context, key: "key")
                    try await meanwhile(run)
                    let end: String
                    do {
                        let result = try await run.outcome()
                        end = "\(result.state) \(result.context)"
                    } catch let error as CanoError where error.code == .runFailed {
                        end = error.message.replacing("\(run.id)", with: "the run")
                    }
                    let history = try await trial.store.history(of: run.id, after: 0, limit: 10_000)
                    Self.checkHistory(history, "\(W.name), crash \(trial.point.map { "\($0)" } ?? "none")")
                    return end
                }
            }
    }

    /// No piece of work has two accepted outcomes, undos are the exact reverse of what was pushed, visits are dense.
    private static func checkHistory(_ rows: [HistoryRow], _ comment: Comment) {
        var accepted: Set<String> = []
        for row in rows where row.kind == .branchDone || row.kind == .expanded || row.kind == .compensated {
            #expect(accepted.insert("\(row.visit)/\(row.path ?? "")").inserted, comment)
        }
        let pushed = rows.filter { $0.kind == .sagaPushed }.map(\.seq)
        let undone = rows.filter { $0.kind == .compensated }.compactMap { $0.number.map(Int.init) }
        #expect(undone.isEmpty || undone == pushed.reversed(), comment)
        let visits = rows.filter { $0.kind == .entered || $0.kind == .started }.map(\.visit)
        #expect(visits == Array(1...max(1, visits.count)), comment)
    }
}

/// Begins with a router.
private struct Fork: Workflow {
    static let name = "fork"
    static let version = 1
    enum State: String, WorkflowState { case choose, left, right, done }
    struct Context: Codable, Sendable, Equatable {
        var isLeft = true
        var trail: [String] = []
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .choose: .router(to: .left, .right) { $0.isLeft ? .left : .right }
        case .left, .right: .task(Go(), to: .done)
        case .done: .exit
        }
    }

    struct Go: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws { context.trail.append(task.state) }
    }
}
