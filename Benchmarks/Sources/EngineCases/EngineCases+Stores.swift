// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoSQLite

extension EngineCases {
    /// Transitions of runs of ten states, alone and a hundred at once: each state under a lease of its own, then all of
    /// them under the first one's.
    func stores() async throws {
        try await self.transitions("memory", Self.memory())
        let store = try await self.sqlite("store")
        try await self.transitions("sqlite", store)
        await store.close()
    }

    private func transitions(_ name: String, _ store: any RunStore) async throws {
        var configuration = EmbeddedRunner.Configuration()
        configuration.slots = 256
        var catalogue = WorkCatalogue()
        try catalogue.add(TenStates())
        try catalogue.add(TenLocalStates())
        try await EmbeddedRunner.run(
            catalogue,
            on: store,
            configuration: configuration,
            logger: self.logger
        ) { runner in
            try await self.transitions("store1", name, lanes: 1, runsPerLane: 200) {
                _ = try await runner.start(TenStates.self, context: .init()).outcome()
            }
            try await self.transitions("store100", name, lanes: 100, runsPerLane: 30) {
                _ = try await runner.start(TenStates.self, context: .init()).outcome()
            }
            try await self.transitions("local100", name, lanes: 100, runsPerLane: 100) {
                _ = try await runner.start(TenLocalStates.self, context: .init()).outcome()
            }
        }
    }

    private func transitions(
        _ name: String,
        _ store: String,
        lanes: Int,
        runsPerLane: Int,
        _ run: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await self.median(name, store, "transitions/s") {
            let took = try await seconds {
                try await withThrowingDiscardingTaskGroup { group in
                    for _ in 0..<lanes {
                        group.addTask { for _ in 0..<runsPerLane { try await run() } }
                    }
                }
            }
            return Double(lanes * runsPerLane * 10) / took
        }
    }

    /// What it takes to have a run of a thousand records back in memory.
    func resumes() async throws {
        try await self.resume("memory", Self.memory())
        let store = try await self.sqlite("resume")
        try await self.resume("sqlite", store)
        await store.close()
    }

    private func resume(_ name: String, _ store: any RunStore) async throws {
        let run = try await EmbeddedRunner.run(Rounds(), on: store, logger: self.logger) { runner in
            let run = try await runner.start(Rounds.self, context: .init(enough: 999))
            while try await store.history(of: run.id, after: 999, limit: 1).isEmpty {
                try await Task.sleep(for: .milliseconds(10))
            }
            return run.id
        }
        let plan = try Plan(Rounds().definition(), limits: Limits())
        try await self.median("resume1000", name, "us") {
            let took = try await seconds {
                for _ in 0..<20 {
                    guard let stored = try await store.load(run) else { continue }
                    _ = try Run.restore(stored, plan: plan, limits: Limits())
                }
            }
            return took * 1e6 / 20
        }
    }
}
