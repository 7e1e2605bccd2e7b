// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoClient
import Testing

extension EndToEnd {
    /// Limits that definitions declare, over the wire.
    @Suite("Declared limits on a cluster", .serialized)
    struct LimitShapeTests {
        @Test(
            "work that is limited to one at a time never runs twice at once, over both workers and all runs",
            arguments: StoreKind.available
        )
        func turnstile(store: StoreKind) async throws {
            let (diary, turnstile) = (Diary(), PassGate.Turnstile())
            try await Cluster.run(on: store) { worker in
                try WorkCatalogue(PassGate(desk: Desk(worker: worker, diary: diary), turnstile: turnstile))
            } scenario: { cluster in
                var runs: [RemoteRun<PassGate>] = []
                for first in [10, 20, 30] {
                    let guests = Array(first..<first + 4)
                    runs.append(try await cluster.client.start(PassGate.self, context: .init(guests: guests)))
                }
                var workers: Set<String> = []
                for (run, first) in zip(runs, [10, 20, 30]) {
                    let guests = Array(first..<first + 4)
                    let context = try await run.outcome(timeout: Cluster.patience)
                    #expect(context == PassGate.Context(guests: guests, passed: guests))
                    let history = try await cluster.history(of: run.id)
                    #expect(diary.problems(with: history) == [])
                    #expect(history.count(of: "branchDone") == 4)
                    #expect(history.losses.isEmpty)
                    for guest in guests { #expect(diary.counts(of: run.id)["pass \(guest)"] == 1) }
                    workers.formUnion(diary.lines(of: run.id).filter { $0.text != "count" }.map(\.worker))
                }
                #expect(turnstile.most == 1)
                #expect(workers == Set(Cluster.names), "the limit held over both workers")
            }
        }
    }
}
