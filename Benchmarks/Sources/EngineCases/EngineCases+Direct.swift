// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoSQLite

extension EngineCases {
    /// Runs one after another, without a store.
    func lines() async throws {
        let ten = try InMemoryRunner(TenStates(), logger: self.logger)
        try await self.median("line10", "none", "ns/transition") {
            let took = try await seconds { for _ in 0..<20_000 { _ = try await ten.run(.init()) } }
            return took * 1e9 / 200_000
        }
        let hundred = try InMemoryRunner(HundredStates(), logger: self.logger)
        try await self.median("line100", "none", "ns/transition") {
            let took = try await seconds { for _ in 0..<3000 { _ = try await hundred.run(.init()) } }
            return took * 1e9 / 300_000
        }
    }

    /// Ten thousand runs at once, without a store: by one call, and in a task each.
    func crowd() async throws {
        let ten = try InMemoryRunner(TenStates(), logger: self.logger)
        let contexts = [TenStates.Context](repeating: .init(), count: 10_000)
        try await self.median("all10000", "none", "ns/transition") {
            var ends: [Result<RunResult<TenStates>, any Error>] = []
            let took = await seconds { ends = await ten.runAll(contexts) }
            for end in ends { _ = try end.get() }
            return took * 1e9 / 100_000
        }
        try await self.median("crowd10000", "none", "ns/transition") {
            let took = try await seconds {
                try await withThrowingDiscardingTaskGroup { group in
                    for _ in 0..<10_000 { group.addTask { _ = try await ten.run(.init()) } }
                }
            }
            return took * 1e9 / 100_000
        }
        // What of that is Swift's: as many tasks that do nothing.
        try await self.median("bare10000", "none", "ns/transition") {
            let took = try await seconds {
                try await withThrowingDiscardingTaskGroup { group in
                    for _ in 0..<10_000 { group.addTask { try Task.checkCancellation() } }
                }
            }
            return took * 1e9 / 100_000
        }
    }

    /// Runs that keep in memory where they are: one after another, and a hundred at once.
    func checkpoints() async throws {
        let ten = try InMemoryRunner(TenStates(), logger: self.logger)
        let checkpoints = MemoryCheckpoints<TenStates>()
        try await self.median("line10", "checkpoints", "ns/transition") {
            let took = try await seconds {
                for _ in 0..<20_000 { _ = try await ten.run(.init(), checkpoints: checkpoints) }
            }
            return took * 1e9 / 200_000
        }
        try await self.median("lanes100", "checkpoints", "ns/transition") {
            let took = try await seconds {
                try await withThrowingDiscardingTaskGroup { group in
                    for _ in 0..<100 {
                        group.addTask {
                            for _ in 0..<200 { _ = try await ten.run(.init(), checkpoints: checkpoints) }
                        }
                    }
                }
            }
            return took * 1e9 / 200_000
        }
    }

    /// Splits whose branches do nothing.
    func splits() async throws {
        let fan = try InMemoryRunner(Fan(), logger: self.logger)
        for width in [10, 100, 1000, 10_000] {
            try await self.median("split\(width)", "none", "us/branch") {
                let runs = max(10, 50_000 / width)
                let took = try await seconds { for _ in 0..<runs { _ = try await fan.run(.init(width: width)) } }
                return took * 1e6 / Double(runs * width)
            }
        }
    }

    /// Ten steps forward and ten undone.
    func rollbacks() async throws {
        let rollback = try InMemoryRunner(Rollback(), logger: self.logger)
        try await self.median("undo10", "none", "us/run") {
            let took = await seconds { for _ in 0..<5000 { _ = try? await rollback.run(.init()) } }
            return took * 1e6 / 5000
        }
    }

    /// The same on stores.
    func storedRollbacks() async throws {
        let memory = Self.memory()
        try await self.rollbacks("memory", memory, runs: 500)
        let store = try await self.sqlite("undo")
        try await self.rollbacks("sqlite", store, runs: 50)
        await store.close()
    }

    private func rollbacks(_ name: String, _ store: any RunStore, runs: Int) async throws {
        try await EmbeddedRunner.run(Rollback(), on: store, logger: self.logger) { runner in
            try await self.median("undo10", name, "us/run") {
                let took = try await seconds {
                    for _ in 0..<runs {
                        let run = try await runner.start(Rollback.self, context: .init())
                        _ = try? await run.outcome()
                    }
                }
                return took * 1e6 / Double(runs)
            }
        }
    }
}
