// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoClient
import Testing

extension EndToEnd {
    /// Work with a cursor over the wire, also when somebody leaves in the middle of it.
    @Suite("Stepped and stream on a cluster", .serialized)
    struct CursorShapeTests {
        private static func catalogue(_ diary: Diary) -> @Sendable (String) throws -> WorkCatalogue {
            { worker in try WorkCatalogue(CopyTable(desk: Desk(worker: worker, diary: diary))) }
        }

        @Test("each step and each window begins behind the cursor of the one before", arguments: StoreKind.available)
        func cursors(store: StoreKind) async throws {
            let diary = Diary()
            try await Cluster.run(on: store, catalogue: Self.catalogue(diary)) { cluster in
                let run = try await cluster.client.start(CopyTable.self, context: .init(rows: 4, changes: 5))
                let context = try await run.outcome(timeout: Cluster.patience)
                #expect(context == CopyTable.Context(rows: 4, changes: 5, copied: 4, end: "exhausted"))
                let copying = ["copy 0", "copy 2", "copy 4"]
                let following = [
                    "open 0", "change 1", "change 2", "flush [1, 2]", "change 3", "change 4", "flush [3, 4]",
                    "change 5", "flush [5]", "close",
                ]
                #expect(diary.texts(of: run.id) == copying + following)

                let history = try await cluster.history(of: run.id)
                #expect(diary.problems(with: history) == [])
                #expect(history.visited.map(\.state) == ["copy", "follow", "done"])
                #expect(history.count(of: "stepCursor") == 2)
                let windows = history.timeline.filter { $0.kind == "checkpoint" }
                #expect(windows.count == 3, "every window has a durable cursor, the last one too")
                #expect(Set(windows.map(\.token)).count == 1, "one lease for all of the stream")
                #expect(history.losses.isEmpty && history.count(of: "attemptFailed") == 0)
            }
        }

        @Test(
            "a coordinator that is killed in the middle of a step and of a window repeats no finished one",
            arguments: StoreKind.available
        )
        func killed(store: StoreKind) async throws {
            let diary = Diary(gates: ["copy 2", "flush [3, 4]"])
            let options = ["--shard-seconds", "3", "--lease-seconds", "60"]
            try await Cluster.run(on: store, options: options, catalogue: Self.catalogue(diary)) { cluster in
                let stepped = try await cluster.client.start(CopyTable.self, context: .init(rows: 6, changes: 0))
                let stream = try await cluster.client.start(CopyTable.self, context: .init(rows: 0, changes: 5))
                try await eventually("the second step and the second window") {
                    diary.line("copy 2") != nil && diary.line("flush [3, 4]") != nil
                }
                try await cluster.killCoordinator()
                // The step ends while nobody can hear of it, the window when the next coordinator is there.
                diary.open("copy 2")
                try await cluster.restartCoordinator()
                diary.open("flush [3, 4]")

                let copied = try await stepped.outcome(timeout: Cluster.patience)
                #expect(copied == CopyTable.Context(rows: 6, changes: 0, copied: 6, end: "exhausted"))
                let followed = try await stream.outcome(timeout: Cluster.patience)
                #expect(followed == CopyTable.Context(rows: 0, changes: 5, copied: 0, end: "exhausted"))

                let steps = diary.counts(of: stepped.id)
                #expect((steps["copy 2"] ?? 0) > 0)
                for finished in ["copy 0", "copy 4", "copy 6", "open 0", "close"] {
                    #expect(steps[finished] == 1, "\(finished)")
                }
                let windows = diary.counts(of: stream.id)
                #expect((windows["flush [3, 4]"] ?? 0) > 0)
                for finished in ["copy 0", "change 1", "change 2", "flush [1, 2]", "change 5", "flush [5]", "close"] {
                    #expect(windows[finished] == 1, "\(finished)")
                }
                for run in [stepped.id, stream.id] {
                    let history = try await cluster.history(of: run)
                    #expect(diary.problems(with: history) == [])
                    #expect(history.visited.map(\.state) == ["copy", "follow", "done"])
                }
            }
        }

        @Test(
            "a worker that stops in the middle of a stream flushes, and the other goes on from its cursor",
            arguments: StoreKind.available
        )
        func drained(store: StoreKind) async throws {
            let diary = Diary(gates: ["change 4"])
            try await Cluster.run(on: store, catalogue: Self.catalogue(diary)) { cluster in
                let run = try await cluster.client.start(CopyTable.self, context: .init(rows: 0, changes: 7))
                try await eventually("the fourth change") { diary.line("change 4") != nil }
                let leaves = try require(diary.line("change 4")?.worker, "nobody works on the fourth change")
                let stays = try require(Cluster.names.first { $0 != leaves }, "there is one worker only")
                try await cluster.drain(leaves)
                diary.open("change 4")

                let context = try await run.outcome(timeout: Cluster.patience)
                #expect(context == CopyTable.Context(rows: 0, changes: 7, copied: 0, end: "exhausted"))
                let lines = diary.lines(of: run.id).drop { $0.text != "open 0" }
                let first = [
                    "open 0", "change 1", "change 2", "flush [1, 2]", "change 3", "change 4", "flush [3]",
                    "interrupted",
                ]
                let second = [
                    "open 3", "change 4", "change 5", "flush [4, 5]", "change 6", "change 7", "flush [6, 7]", "close",
                ]
                #expect(lines.filter { $0.worker == leaves }.map(\.text) == first)
                #expect(lines.filter { $0.worker == stays }.map(\.text) == second)

                let history = try await cluster.history(of: run.id)
                #expect(diary.problems(with: history) == [])
                #expect(history.timeline.filter { $0.kind == "stepCursor" }.compactMap(\.worker) == [leaves])
                #expect(history.outcomes.last?.worker == stays)
                #expect(history.losses.isEmpty && history.count(of: "attemptFailed") == 0)
            }
        }
    }
}
