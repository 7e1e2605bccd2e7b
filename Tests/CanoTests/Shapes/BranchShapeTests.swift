// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@Suite("Parallel, batch and local steps")
struct BranchShapeTests {
    private static func run(_ context: Shop.Context, ledger: Ledger) async throws -> ([HistoryRow], Shop.Context?) {
        let store: any RunStore = MemoryStore(clock: { TestClock.now() })
        return try await EmbeddedRunner.run(Shop(ledger: ledger), on: store) { runner in
            let run = try await runner.start(Shop.self, context: context)
            let result = try? await run.outcome()
            return (try await store.history(of: run.id, after: 0, limit: 1_000), result?.context)
        }
    }

    @Test(
        "results of different types are merged, a batch finishes in the order of its list, local states follow at once"
    )
    func shop() async throws {
        let ledger = Ledger()
        let (rows, context) = try await Self.run(.init(parcels: [3, -1, 5, 1]), ledger: ledger)
        #expect(
            context
                == Shop.Context(
                    parcels: [3, -1, 5, 1],
                    price: 28,
                    stock: "plenty",
                    sums: ["6", "failed", "10", "2"],
                    counted: 4,
                    label: "4"
                )
        )
        #expect(Set(ledger.all.filter { $0.hasPrefix("pick") }) == ["pick 3", "pick 5", "pick 1"])
        // The gathering is a visit of its own, and the local states are in the commit of the report before them.
        let entered = rows.filter { $0.kind == .started || $0.kind == .entered || $0.kind == .finished }
        #expect(entered.map(\.state) == ["quote", "quote", "pick", "pick", "count", "choose", "label", "done"])
        #expect(entered.map(\.visit) == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(Set(entered.suffix(4).compactMap(\.token)).count == 1)
        #expect(ledger.all.contains("count in visit 5"))
    }

    @Test("an empty list finishes at once, and a failure undoes the branches that can be undone")
    func empty() async throws {
        let ledger = Ledger()
        let (_, context) = try await Self.run(.init(), ledger: ledger)
        #expect(context == nil)
        #expect(ledger.all == ["undo price 0"])
    }

    @Test("a definition has everything that a coordinator needs")
    func definition() throws {
        let states = Shop().definition().states
        guard case .split(let quote, _) = states[0].step, case .split(let pick, let next) = states[1].step,
            case .task(let count, _) = states[2].step
        else { return #expect(Bool(false), "other shapes") }
        #expect(quote.work == .fixed([quote.branch(at: 0), quote.branch(at: 1)].compactMap(\.self)))
        #expect(quote.branch(at: 0)?.undo != nil && quote.branch(at: 1)?.undo == nil)
        #expect(quote.gather?.name == "merge")
        #expect(
            pick.inFlight == 2 && pick.gather?.name == "Pick.finish" && pick.choices == ["empty"] && next == "count"
        )
        #expect(count.isLocal)
        try Shop().definition().validate()
    }

    @Test("a parallel task of another context is refused by name")
    func otherContext() {
        let error = #expect(throws: CanoError.self) {
            var catalogue = WorkCatalogue()
            try catalogue.add(Mixed())
        }
        #expect(error?.message.contains("Price works on Context, not on Context") ?? false)
    }

    private struct Mixed: Workflow {
        static let name = "mixed"
        static let version = 1
        enum State: String, WorkflowState { case first, done }
        struct Context: Codable, Sendable {}

        func step(in state: State) -> Step<Self> {
            switch state {
            case .first: .parallel(Shop.Price(ledger: Ledger()), Shop.Stock(), to: .done) { _, _ in }
            case .done: .exit
            }
        }
    }
}
