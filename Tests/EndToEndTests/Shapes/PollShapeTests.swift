// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoClient
import Foundation
import Testing

extension EndToEnd {
    /// Polls, timers, routers and local states over the wire.
    @Suite("Poll, timer, router and local states on a cluster", .serialized)
    struct PollShapeTests {
        @Test(
            "a poll asks until it is ready, a computed date is waited for, and local states come in one report",
            arguments: StoreKind.available
        )
        func parcel(store: StoreKind) async throws {
            let diary = Diary()
            try await Cluster.run(on: store) { worker in
                try WorkCatalogue(WatchParcel(desk: Desk(worker: worker, diary: diary)))
            } scenario: { cluster in
                let run = try await cluster.client.start(WatchParcel.self, context: .init(questions: 3))
                let context = try await run.outcome(timeout: Cluster.patience)
                #expect(context.answers == 1, "what a pending question changed does not count")
                #expect(context.label == "12 kg")
                // Both dates are of this machine's clock; a tenth of a second is for its adjustments.
                #expect(context.labelledAt.timeIntervalSince(context.arrivedAt) > WatchParcel.rest - 0.1)
                #expect(diary.texts(of: run.id) == ["ask", "ask", "ask", "weigh", "label"])

                let history = try await cluster.history(of: run.id)
                #expect(diary.problems(with: history) == [])
                #expect(history.visited.map(\.state) == ["ask", "weigh", "rest", "choose", "label", "done"])
                #expect(history.visited.map(\.visit) == [1, 2, 3, 4, 5, 6])
                // Two questions without an answer, and the date unless the machine was slower than that.
                #expect((2...3).contains(history.count(of: "stepCursor")))
                // The weighing came with the last answer, the choice and the label with the end of the wait.
                #expect(history.entry(of: "weigh")?.token == history.entry(of: "rest")?.token)
                #expect(history.entry(of: "choose")?.token == history.entry(of: "done")?.token)
                #expect(history.entry(of: "rest")?.token != history.entry(of: "choose")?.token)
                #expect(history.losses.isEmpty && history.count(of: "attemptFailed") == 0)
            }
        }
    }
}
