// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The smallest workflow of every shape: the code of the documentation's pages, so that it compiles with the build.

// snippet.hide
import Cano
import Foundation

// snippet.task
struct Greeting: Workflow {
    static let name = "greeting"
    static let version = 1
    enum State: String, WorkflowState { case greet, done }
    struct Context: Codable, Sendable {
        var guest: String
        var line = ""
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .greet: .task(Greet(), retry: .exponential(attempts: 5), timeout: .seconds(10), to: .done)
        case .done: .exit
        }
    }

    struct Greet: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {
            context.line = "hello, \(context.guest)"
        }
    }
}
// snippet.end

// snippet.router
struct Triage: Workflow {
    static let name = "triage"
    static let version = 1
    enum State: String, WorkflowState { case triage, answered, escalated }
    struct Context: Codable, Sendable { var text: String }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .triage: .router(to: .answered, .escalated) { $0.text.contains("fire") ? .escalated : .answered }
        case .answered, .escalated: .exit
        }
    }
}
// snippet.end

// snippet.split
struct WordCount: Workflow {
    static let name = "word-count"
    static let version = 1
    enum State: String, WorkflowState { case count, add, done }
    struct Context: Codable, Sendable {
        var lines: [String]
        var words = 0
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .count: .split(over: \.lines, CountLine(), join: .quorum(.percent(80), within: .seconds(60)), to: .add)
        case .add: .task(AddUp(), to: .done)
        case .done: .exit
        }
    }

    struct CountLine: BranchTask {
        func run(_ line: String, _ task: TaskContext) async throws -> Int { line.split(separator: " ").count }
    }

    struct AddUp: JoinTask {
        func run(_ context: inout Context, _ counts: [BranchResult<Int>], _ task: TaskContext) async throws {
            context.words = counts.compactMap(\.value).reduce(0, +)
        }
    }
}
// snippet.end

// snippet.parallel
struct Offer: Workflow {
    static let name = "offer"
    static let version = 1
    enum State: String, WorkflowState { case ask, offered }
    struct Context: Codable, Sendable {
        var article: String
        var cents: Int?
        var rating: String?
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .ask:
            .parallel(AskPrice(), AskRating(), join: .all(within: .seconds(2)), to: .offered) { context, results in
                let (price, rating) = results.values
                context.cents = price.value
                context.rating = rating.value
            }
        case .offered: .exit
        }
    }

    struct AskPrice: ParallelTask {
        func run(_ context: Context, _ task: TaskContext) async throws -> Int { context.article.count * 100 }
    }

    struct AskRating: ParallelTask {
        func run(_ context: Context, _ task: TaskContext) async throws -> String { "4.5 stars" }
    }
}
// snippet.end

// snippet.poll
struct BuildWatch: Workflow {
    static let name = "build-watch"
    static let version = 1
    enum State: String, WorkflowState { case watch, done }
    struct Context: Codable, Sendable {
        var build: Int
        var artefact = ""
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .watch: .poll(AskServer(), every: .seconds(30), within: .seconds(86_400), errors: .total(20), to: .done)
        case .done: .exit
        }
    }

    struct AskServer: PollTask {
        func poll(_ context: inout Context, _ task: TaskContext) async throws -> PollAnswer<Void> {
            guard task.attempt > 3 else { return .pending }
            context.artefact = "build-\(context.build).tar.gz"
            return .ready
        }
    }
}
// snippet.end

// snippet.timer
struct Reminder: Workflow {
    static let name = "reminder"
    static let version = 1
    enum State: String, WorkflowState { case cool, rest, remind, done }
    struct Context: Codable, Sendable {
        var dueDate: Date
        var letters = 0
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .cool: .wait(.seconds(3600), to: .rest)
        case .rest: .wait(until: \.dueDate, to: .remind)
        case .remind: .task(Remind(), to: .done)
        case .done: .exit
        }
    }

    struct Remind: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws { context.letters += 1 }
    }
}
// snippet.end

// snippet.batch
struct Album: Workflow {
    static let name = "album"
    static let version = 1
    enum State: String, WorkflowState { case resize, done }
    struct Context: Codable, Sendable {
        var pictures: [String]
        var failed = 0
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .resize: .batch(Resize(), inFlight: 8, retry: .exponential(attempts: 3), to: .done)
        case .done: .exit
        }
    }

    struct Resize: BatchTask {
        func load(_ context: Context, _ task: TaskContext) async throws -> [String] { context.pictures }

        func process(_ picture: String, _ task: TaskContext) async throws -> Int {
            guard picture.hasSuffix(".png") else { throw TaskFailure.permanent("\(picture) is no picture") }
            return picture.count * 100
        }

        func finish(_ context: inout Context, _ sizes: [BranchResult<Int>], _ task: TaskContext) async throws {
            context.failed = sizes.count { $0.failure != nil }
        }
    }
}
// snippet.end

// snippet.stepped
struct TableCopy: Workflow {
    static let name = "table-copy"
    static let version = 1
    enum State: String, WorkflowState { case copy, done }
    struct Context: Codable, Sendable {
        var rows: Int
        var copied = 0
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .copy: .stepped(CopyPage(), timeout: .seconds(60), to: .done)
        case .done: .exit
        }
    }

    struct CopyPage: SteppedTask {
        func step(
            _ context: inout Context,
            after cursor: Int?,
            _ task: TaskContext
        ) async throws -> StepAnswer<Int, Void> {
            let last = min((cursor ?? 0) + 500, context.rows)
            context.copied = last
            return last == context.rows ? .done : .more(last)
        }
    }
}
// snippet.end

// snippet.stream
struct Feed: Workflow {
    static let name = "feed"
    static let version = 1
    enum State: String, WorkflowState { case follow, done }
    struct Context: Codable, Sendable {
        var readings: Int
        var isComplete = false
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .follow: .stream(Follow(), window: .count(100), errors: .skip, to: .done)
        case .done: .exit
        }
    }

    struct Follow: StreamTask {
        func open(_ context: Context, after cursor: Int?, _ task: TaskContext) async throws -> AsyncStream<Int> {
            AsyncStream { feed in
                for reading in stride(from: (cursor ?? 0) + 1, through: context.readings, by: 1) { feed.yield(reading) }
                feed.finish()
            }
        }

        func process(_ reading: Int, _ task: TaskContext) async throws -> (Int, Int) { (reading * 2, reading) }
        func flush(_ values: [Int], _ task: TaskContext) async throws -> WindowAnswer {
            task.progress("a window of \(values.count)")
            return .more
        }
        func close(_ context: inout Context, _ end: StreamEnd, _ task: TaskContext) async throws {
            context.isComplete = end == .exhausted
        }
    }
}
// snippet.end

// snippet.signal
extension Signal where Payload == Approval {
    static let approval = Signal("approval")
}

struct Purchase: Workflow {
    static let name = "purchase"
    static let version = 1
    enum State: String, WorkflowState { case ask, decide, ordered, refused, late }
    struct Context: Codable, Sendable { var decidedBy = "" }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .ask: .wait(for: .approval, within: .seconds(3 * 86_400), timeoutTo: .late, to: .decide)
        case .decide: .task(Decide(), to: .ordered, .refused)
        case .ordered, .refused: .exit
        case .late: .exit(.failure)
        }
    }

    struct Decide: SignalTask {
        func run(_ context: inout Context, _ approval: Approval, _ task: TaskContext) async throws -> State {
            context.decidedBy = approval.by
            return approval.approved ? .ordered : .refused
        }
    }
}

func approve(_ run: EmbeddedRun<Purchase>) async throws {
    try await run.signal(.approval, Approval(approved: true, by: "eva"), id: "click-1")
}
// snippet.end

// snippet.child
struct Sale: Workflow {
    static let name = "sale"
    static let version = 1
    enum State: String, WorkflowState { case bill, settle, done }
    struct Context: Codable, Sendable { var cents: Int }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .bill: .child(Bill.self, onParentEnd: .cancel, to: .settle) { Bill.Context(cents: $0.cents) }
        case .settle: .task(Settle(), to: .done)
        case .done: .exit
        }
    }

    struct Settle: ChildTask {
        func run(_ context: inout Context, _ bill: ChildOutcome<Bill.Context>, _ task: TaskContext) async throws {
            guard bill.isSuccess else { throw TaskFailure.permanent("the bill was not paid") }
        }
    }
}

struct Bill: Workflow {
    static let name = "bill"
    static let version = 1
    enum State: String, WorkflowState { case dunning, paid }
    struct Context: Codable, Sendable { var cents: Int }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .dunning: .wait(.seconds(86_400), to: .paid)
        case .paid: .exit
        }
    }
}
// snippet.end

// snippet.local
struct Totals: Workflow {
    static let name = "totals"
    static let version = 1
    enum State: String, WorkflowState { case load, add, choose, large, small }
    struct Context: Codable, Sendable {
        var numbers: [Int] = []
        var sum = 0
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .load: .task(Load(), to: .add)
        case .add: .task(Add(), to: .choose).local
        case .choose: .router(to: .large, .small) { $0.sum > 1000 ? .large : .small }
        case .large, .small: .exit
        }
    }

    struct Load: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws { context.numbers = [600, 700] }
    }

    struct Add: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws {
            context.sum = context.numbers.reduce(0, +)
        }
    }
}
// snippet.end

var catalogue = try WorkCatalogue(Greeting(), Triage(), WordCount(), Offer(), BuildWatch(), Reminder(), Album())
try catalogue.add(TableCopy())
try catalogue.add(Feed())
try catalogue.add(Purchase())
try catalogue.add(Sale())
try catalogue.add(Bill())
try catalogue.add(Totals())
print("every shape is as the engine wants it")
