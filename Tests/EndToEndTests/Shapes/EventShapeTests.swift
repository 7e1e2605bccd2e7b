// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoClient
import Testing

extension EndToEnd {
    /// Signals, children and undos over the wire.
    @Suite("Signal, child and compensation on a cluster", .serialized)
    struct EventShapeTests {
        private static func catalogue(_ diary: Diary) -> @Sendable (String) throws -> WorkCatalogue {
            { worker in
                let desk = Desk(worker: worker, diary: diary)
                return try WorkCatalogue(BookRoom(desk: desk), SendBill(desk: desk))
            }
        }

        @Test(
            "a signal of a typed client ends a wait once, and the end of the child moves its parent",
            arguments: StoreKind.available
        )
        func approved(store: StoreKind) async throws {
            let diary = Diary()
            try await Cluster.run(on: store, catalogue: Self.catalogue(diary)) { cluster in
                let run = try await cluster.client.start(BookRoom.self, context: .init(amount: 7))
                try await eventually("the run to wait") { try await run.current().status == .waiting }
                let approval = Approval(approved: true, by: "eva")
                #expect(try await run.signal(.decision, approval, id: "click"))
                let context = try await run.outcome(timeout: Cluster.patience)
                #expect(context == BookRoom.Context(amount: 7, log: ["approved by eva", "billed 7"]))
                #expect(diary.texts(of: run.id) == ["reserve", "decide", "settle"])

                let history = try await cluster.history(of: run.id)
                #expect(diary.problems(with: history) == [])
                let states = ["reserve", "approve", "decide", "bill", "settle", "done"]
                #expect(history.visited.map(\.state) == states)
                for kind in ["signalled", "childStarted", "childEnded"] {
                    #expect(history.count(of: kind) == 1, "\(kind)")
                }
                #expect(history.undone.isEmpty && history.losses.isEmpty)
                try await Self.checkChild(of: run.id, "succeeded", diary, cluster)
            }
        }

        @Test(
            "a signal that came early is kept, and when the child fails its parent undoes what it did, once",
            arguments: StoreKind.available
        )
        func failedChild(store: StoreKind) async throws {
            let diary = Diary(gates: ["reserve"])
            try await Cluster.run(on: store, catalogue: Self.catalogue(diary)) { cluster in
                let run = try await cluster.client.start(BookRoom.self, context: .init(amount: -1))
                let approval = Approval(approved: true, by: "eva")
                #expect(try await run.signal(.decision, approval, id: "click"))
                #expect(try await !run.signal(.decision, approval, id: "click"), "the same signal counts once")
                diary.open("reserve")
                let error = await #expect(throws: CanoError.self) {
                    _ = try await run.outcome(timeout: Cluster.patience)
                }
                #expect(error?.code == .runFailed)
                #expect(error?.message.contains("the bill was not paid") == true)
                #expect(diary.texts(of: run.id) == ["reserve", "decide", "settle", "undo reserve -1"])

                let history = try await cluster.history(of: run.id)
                #expect(diary.problems(with: history) == [])
                #expect(history.run.status == "failed")
                #expect(history.count(of: "signalled") == 1)
                #expect(history.pushes.map(\.work.path) == ["step"])
                #expect(history.undone == Array(history.pushes.map(\.seq).reversed()))
                try await Self.checkChild(of: run.id, "failed", diary, cluster)
            }
        }

        /// The child is there once, under its parent's key, and did its work once.
        private static func checkChild(
            of run: RunID,
            _ status: String,
            _ diary: Diary,
            _ cluster: Cluster
        ) async throws {
            let children = try await cluster.client.runs(RunQuery { $0.workflow = SendBill.name })
            #expect(children.map(\.key) == ["\(run)/4"])
            let child = try require(children.first, "there is no child")
            #expect(diary.texts(of: child.id) == ["send"])
            let history = try await cluster.history(of: child.id)
            #expect(history.run.status == status)
            #expect(diary.problems(with: history) == [])
        }
    }
}
