// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoSQLite
import CanoTesting
import Testing

@Suite("Crash matrix")
struct CrashMatrixTests {
    static func fixture(_ name: String, _ clock: VirtualClock) -> StoreFixture {
        guard name == "file" else { return .memory(clock: clock.storeTime) }
        return .file { try await SQLiteStore.open(path: $0, clock: clock.storeTime, preallocating: 0) }
    }

    @Test("a run ends the same wherever the process dies", arguments: ["memory", "file"])
    func sameOutcome(_ name: String) async throws {
        let points = try await CrashMatrix { $0.fixture = { Self.fixture(name, $0) } }
            .check { trial in
                try await EmbeddedRunner.run(Order(), on: trial.store, configuration: trial.configuration) { runner in
                    let run = try await runner.start(Order.self, context: .init(lines: ["a", "b"]), key: "order")
                    return try await run.outcome().context
                }
            }
        #expect(points.contains(.beforeCommit(1)))
        #expect(points.contains(.afterCommit(4)))
        #expect(points.contains(.beforeAttempt(1)))
        #expect(points.contains(.afterAttempt(5)))
    }

    @Test("a run that turns back undoes the same wherever the process dies")
    func sameUndo() async throws {
        let points = try await CrashMatrix()
            .check { trial in
                try await EmbeddedRunner.run(Order(), on: trial.store, configuration: trial.configuration) { runner in
                    let context = Order.Context(lines: ["a", "b"], isRefused: true)
                    let run = try await runner.start(Order.self, context: context, key: "order")
                    // In the process that dies nobody waits for the end any more.
                    let error = await #expect(throws: (any Error).self) { try await run.outcome() }
                    let history = try await trial.store.history(of: run.id, after: 0, limit: 1000)
                    let pushed = history.filter { $0.kind == .sagaPushed }.map(\.seq)
                    let undone = history.filter { $0.kind == .compensated }.compactMap { $0.number.map(Int.init) }
                    #expect(undone == pushed.reversed(), "crash \(trial.point.map { "\($0)" } ?? "none")")
                    return (error as? CanoError)?.message.replacing("\(run.id)", with: "the run")
                }
            }
        #expect(points.count > 20)
    }

    @Test("an outcome that depends on the crash is found and named")
    func planted() async throws {
        let error = await #expect(throws: CrashMatrixFailure.self) {
            try await CrashMatrix { $0.kinds = [.afterAttempt] }
                .check { trial in
                    try await EmbeddedRunner.run(Order(), on: trial.store, configuration: trial.configuration) {
                        runner in
                        let run = try await runner.start(Order.self, context: .init(lines: ["a"]), key: "order")
                        _ = try await run.outcome()
                        let history = try await trial.store.history(of: run.id, after: 0, limit: 1000)
                        return history.filter { $0.kind == .attemptLost }.count
                    }
                }
        }
        #expect(error?.description == "crash after attempt 1 on memory: expected 0, got 1")
    }

    @Test("a dead process writes nothing and answers nothing")
    func dead() async throws {
        let data = MemoryStore(clock: WallClock.now)
        let store = CrashingStore(data, at: .beforeCommit(1))
        let value = try await store.lifetime {
            try await EmbeddedRunner.run(Order(), on: store) { runner in
                try await runner.start(Order.self, context: .init(lines: [])).id
            }
        }
        #expect(value == nil)
        #expect(store.hasCrashed)
        #expect(store.commits == 1)
        #expect(await data.summaries(RunQuery()).isEmpty)
        let error = await withTaskGroup(of: (any Error)?.self) { group in
            group.addTask {
                do { _ = try await store.definitions() } catch { return error }
                return nil
            }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect((error as? CanoError)?.code == .shuttingDown)
    }
}
