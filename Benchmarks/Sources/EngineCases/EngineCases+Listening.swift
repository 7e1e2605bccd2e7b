// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Synchronization

extension EngineCases {
    /// What it costs to be heard: the same runs while nobody listens, and while an observer counts every event.
    func listening() async throws {
        try await self.listening("heard0", [])
        try await self.listening("heard1", [CountingObserver()])
    }

    private func listening(_ name: String, _ observers: [any RunObserver]) async throws {
        var configuration = EmbeddedRunner.Configuration()
        configuration.observers = observers
        configuration.slots = 256
        let store = Self.memory()
        try await EmbeddedRunner.run(
            TenStates(),
            on: store,
            configuration: configuration,
            logger: self.logger
        ) { runner in
            try await self.median(name, "memory", "ns/transition") {
                let took = try await seconds {
                    try await withThrowingDiscardingTaskGroup { group in
                        for _ in 0..<20 {
                            group.addTask {
                                for _ in 0..<50 {
                                    _ = try await runner.start(TenStates.self, context: .init()).outcome()
                                }
                            }
                        }
                    }
                }
                return took * 1e9 / 10_000
            }
        }
    }
}

private final class CountingObserver: RunObserver {
    private let count = Atomic(0)

    func observe(_ event: RunEvent) { self.count.wrappingAdd(1, ordering: .relaxed) }
}
