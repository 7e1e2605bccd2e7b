// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Different tasks beside each other, a batch, and local states.
struct Shop: Workflow {
    static let name = "shop"
    static let version = 1
    enum State: String, WorkflowState { case quote, pick, count, choose, label, empty, done }
    struct Context: Codable, Sendable, Equatable {
        var parcels: [Int] = []
        var price = 0
        var stock = ""
        var sums: [String] = []
        var counted = 0
        var label = ""
    }

    var ledger = Ledger()

    func step(in state: State) -> Step<Self> {
        switch state {
        case .quote:
            .parallel(Price(ledger: self.ledger), Stock(), retry: Trip.quick, to: .pick) { context, results in
                let (price, stock) = results.values
                context.price += price.value ?? -1
                context.stock += stock.value ?? "?"
            }
        case .pick: .batch(Pick(ledger: self.ledger), inFlight: 2, retry: Trip.quick, to: .count, .empty)
        case .count: .task(Count(ledger: self.ledger), to: .choose).local
        case .choose: .router(to: .label, .empty) { $0.sums.isEmpty ? .empty : .label }
        case .label: .task(Label(), to: .done).local
        case .empty: .exit(.failure)
        case .done: .exit
        }
    }

    struct Price: ParallelTask, Compensatable {
        let ledger: Ledger
        func run(_ context: Context, _ task: TaskContext) async throws -> Int { context.parcels.count * 7 }
        func undo(_ price: Int?, _ task: TaskContext) async throws { self.ledger.add("undo price \(price ?? -1)") }
    }

    struct Stock: ParallelTask {
        func run(_ context: Context, _ task: TaskContext) async throws -> String {
            if task.attempt < 2 { throw TaskFailure("not yet") }
            return "plenty"
        }
    }

    struct Pick: BatchTask {
        let ledger: Ledger
        func load(_ context: Context, _ task: TaskContext) async throws -> [Int] { context.parcels }

        func process(_ parcel: Int, _ task: TaskContext) async throws -> Int {
            if parcel < 0 { throw TaskFailure.permanent("no parcel \(parcel)") }
            self.ledger.add("pick \(parcel)")
            return parcel * 2
        }

        func finish(
            _ context: inout Context,
            _ results: [BranchResult<Int>],
            _ task: TaskContext
        ) async throws -> State {
            context.sums += results.map { $0.value.map { "\($0)" } ?? "failed" }
            return results.isEmpty ? .empty : .count
        }
    }

    struct Count: ContextTask {
        let ledger: Ledger
        func run(_ context: inout Context, _ task: TaskContext) async throws {
            self.ledger.add("count in visit \(task.visit)")
            context.counted += context.sums.count
        }
    }

    struct Label: ContextTask {
        func run(_ context: inout Context, _ task: TaskContext) async throws { context.label += "\(context.counted)" }
    }
}
