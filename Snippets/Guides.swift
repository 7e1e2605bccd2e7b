// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Joins, sagas, resources, observers and versions: the code of the documentation's pages about them.

// snippet.hide
import Cano

// snippet.joins
struct Auction: Workflow {
    static let name = "auction"
    static let version = 1
    enum State: String, WorkflowState { case ask, choose, sold }
    struct Context: Codable, Sendable {
        var bidders: [String]
        var best = 0
        var late = 0
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .ask: .split(over: \.bidders, Ask(), join: .partial(atLeast: 1, within: .milliseconds(120)), to: .choose)
        case .choose: .task(Choose(), to: .sold)
        case .sold: .exit
        }
    }

    struct Ask: BranchTask {
        func run(_ bidder: String, _ task: TaskContext) async throws -> Int { bidder.count }
    }

    struct Choose: JoinTask {
        func run(_ context: inout Context, _ bids: [BranchResult<Int>], _ task: TaskContext) async throws {
            context.best = bids.compactMap(\.value).max() ?? 0
            context.late = bids.count { $0.value == nil }
        }
    }
}
// snippet.end

// snippet.sagas
struct Trip: Workflow {
    static let name = "trip"
    static let version = 1
    static let onUndoFailure = UndoFailure.block
    enum State: String, WorkflowState { case legs, pay, booked }
    struct Context: Codable, Sendable { var cities: [String] }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .legs: .split(over: \.cities, BookLeg(), to: .pay)
        case .pay: .task(Pay(), to: .booked)
        case .booked: .exit
        }
    }

    struct BookLeg: BranchTask, Compensatable {
        var undoPolicy: UndoPolicy { UndoPolicy { $0.timeout = .seconds(10) } }

        func run(_ city: String, _ task: TaskContext) async throws -> String { "ticket to \(city)" }
        func undo(_ ticket: String?, _ task: TaskContext) async throws {
            print("gave back \(ticket ?? "what may have been booked")")
        }
    }

    struct Pay: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {
            throw TaskFailure.permanent("the card has expired", code: "card")
        }
    }
}
// snippet.end

// snippet.resources
struct Pool: Resource {
    func setUp() async throws {}
    func tearDown() async throws {}
    func health() async throws -> Health { .degraded("no free connection") }
    func row(_ id: Int) -> String { "row \(id)" }
}

struct Lookup: Workflow {
    static let name = "lookup"
    static let version = 1
    enum State: String, WorkflowState { case query, done }
    struct Context: Codable, Sendable {
        var id: Int
        var row = ""
    }

    let pool: Pool

    func step(in state: State) -> Step<Self> {
        switch state {
        case .query: .task(Query(pool: self.pool), to: .done)
        case .done: .exit
        }
    }

    struct Query: ContextTask {
        let pool: Pool

        func run(_ context: inout Context, _ task: TaskContext) async throws { context.row = self.pool.row(context.id) }
    }
}

func lookUp(on store: any RunStore) async throws {
    try await EmbeddedRunner.run(on: store) { resources in
        let pool = try await resources.open(Pool())
        return try WorkCatalogue(Lookup(pool: pool))
    } body: { runner in
        let run = try await runner.start(Lookup.self, context: .init(id: 7))
        print(try await run.outcome().context.row)
        print(await runner.health().overall)
    }
}
// snippet.end

// snippet.observing
struct EntryPrinter: RunObserver {
    func observe(_ event: RunEvent) {
        if case .entered = event.kind { print("\(event.run) entered \(event.state)") }
    }
}

func watchTrips(on store: any RunStore) async throws {
    var configuration = EmbeddedRunner.Configuration()
    configuration.observers = [LoggingObserver(), EntryPrinter()]
    try await EmbeddedRunner.run(Trip(), on: store, configuration: configuration) { runner in
        let run = try await runner.start(Trip.self, context: .init(cities: ["Lyon", "Turin"]))
        print(try await run.outcome().state)
    }
}
// snippet.end

// snippet.versions
func moveToVersion2(_ runner: EmbeddedRunner) async throws {
    let report = try await runner.migrate("order", from: 1, to: 2, renamed: ["pack": "wrap"])
    for run in report.refused { print("\(run.run) was not moved: \(run.reason)") }
    print("\(report.migrated) runs have version 2 now")
}
// snippet.end

let definition = Trip().definition()
try definition.validate()
_ = try WorkCatalogue(Auction(), Trip(), Lookup(pool: Pool()))
print("\(definition.key): \(definition.digest)")
