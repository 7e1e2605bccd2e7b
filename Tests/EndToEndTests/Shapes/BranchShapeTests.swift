// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoClient
import Testing

extension EndToEnd {
    /// Branches of every kind over the wire.
    @Suite("Parallel, batch and join on a cluster", .serialized)
    struct BranchShapeTests {
        @Test(
            "branches run on both workers at once, keep their types and order, and a failed item fails alone",
            arguments: StoreKind.available
        )
        func album(store: StoreKind) async throws {
            let diary = Diary()
            // With one slot each, two tasks that meet are on two workers.
            try await Cluster.run(on: store, slots: 1) { worker in
                try WorkCatalogue(MakeAlbum(desk: Desk(worker: worker, diary: diary)))
            } scenario: { cluster in
                let run = try await cluster.client.start(MakeAlbum.self, context: .init(pictures: [3, -1, 5, 4]))
                let context = try await run.outcome(timeout: Cluster.patience)
                #expect(
                    context
                        == MakeAlbum.Context(
                            pictures: [3, -1, 5, 4],
                            pages: 8,
                            title: "Summer",
                            developed: [6, 10, 8],
                            problems: ["blank"],
                            frames: ["framed 6", "framed 10", "framed 8"]
                        )
                )
                let counts = diary.counts(of: run.id)
                #expect(counts.removing("title") == Self.once, "every work was done once, but for the one that failed")
                #expect(counts["title"] == 2)

                let history = try await cluster.history(of: run.id)
                #expect(diary.problems(with: history) == [])
                // The gatherings of the parallel step and of the batch are visits of their own.
                let states = ["quote", "quote", "develop", "develop", "frame", "bind", "done"]
                #expect(history.visited.map(\.state) == states)
                #expect(history.count(of: "branchDone") == 2 + 4 + 3)
                #expect(history.count(of: "expanded") == 2)
                #expect(history.timeline.filter { $0.reason == "blank" }.map(\.path).contains("branch/1"))
                #expect(history.workers == Set(Cluster.names))
                #expect(history.losses.isEmpty)
            }
        }

        private static let once = [
            "pages": 1, "load": 1, "develop 3": 1, "develop -1": 1, "develop 5": 1, "develop 4": 1, "finish": 1,
            "frame 6": 1, "frame 10": 1, "frame 8": 1, "bind": 1,
        ]
    }
}

extension [String: Int] {
    fileprivate func removing(_ key: String) -> Self { self.filter { $0.key != key } }
}
