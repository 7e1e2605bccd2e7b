// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoTesting
import Testing

@Suite("Planned faults")
struct TaskFaultTests {
    @Test("F-TEST-03: the next attempts of a task fail, without running its code")
    func failNext() async throws {
        let faults = TaskFaults()
        faults.failNext(.state(Order.State.reserve), times: 2, with: TaskFailure("no stock", code: "stock"))
        let (history, result) = try await Self.history(.init(lines: ["a"]), faults)
        #expect(try result.get().context.log == ["reserved", "sent a"])
        let failed = history.filter { $0.kind == .attemptFailed }
        #expect(failed.map(\.reason) == ["stock", "stock"])
        #expect(failed.map(\.attempt) == [1, 2])
        #expect(faults.pending == 0)
    }

    @Test("the next attempt of one branch is lost, and another one does its work")
    func loseBranch() async throws {
        let faults = TaskFaults()
        faults.loseNext(.branch(1, of: Order.State.send), .afterRunning)
        let (history, result) = try await Self.history(.init(lines: ["a", "b"]), faults)
        #expect(try result.get().context.log == ["reserved", "sent a", "sent b"])
        let lost = history.filter { $0.kind == .attemptLost }
        #expect(lost.map(\.path) == ["branch/1"])
        #expect(lost.map(\.reason) == [LossReason.workerGone.rawValue])
    }

    @Test("an undo that fails for good is counted as not undone")
    func failUndo() async throws {
        let faults = TaskFaults()
        faults.failNext(.undo(of: Order.State.reserve), times: 10, with: .permanent("cannot be undone"))
        let (history, result) = try await Self.history(.init(lines: ["a"], isRefused: true), faults)
        #expect(throws: CanoError.self) { try result.get() }
        #expect(history.last?.kind == .finished)
        #expect(history.last?.number == 1)
        #expect(faults.pending == 9)
    }

    private static func history(
        _ context: Order.Context,
        _ faults: TaskFaults
    ) async throws -> ([HistoryRow], Result<RunResult<Order>, any Error>) {
        var configuration = EmbeddedRunner.Configuration()
        configuration.faults = faults
        let store = MemoryStore(clock: WallClock.now)
        return try await EmbeddedRunner.run(Order(), on: store, configuration: configuration) { runner in
            let run = try await runner.start(Order.self, context: context)
            let result: Result<RunResult<Order>, any Error>
            do { result = .success(try await run.outcome()) } catch { result = .failure(error) }
            return (await store.history(of: run.id, after: 0, limit: 1000), result)
        }
    }
}
