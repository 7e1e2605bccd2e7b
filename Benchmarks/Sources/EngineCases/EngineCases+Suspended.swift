// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoSQLite

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension EngineCases {
    private static let sleepers = 100_000

    /// What a hundred thousand runs cost that wait for a timer.
    func suspended() async throws {
        try await self.suspendedWithoutStore()
        let store = try await self.sqlite("asleep")
        try await self.suspended("sqlite", store)
        await store.close()
        try await self.suspended("memory", Self.memory())
    }

    private func suspended(_ name: String, _ store: any RunStore) async throws {
        try await EmbeddedRunner.run(Waiting(), on: store, logger: self.logger) { runner in
            let before = Self.residentBytes()
            try await withThrowingDiscardingTaskGroup { group in
                for _ in 0..<100 {
                    group.addTask {
                        for _ in 0..<Self.sleepers / 100 { _ = try await runner.start(Waiting.self, context: .init()) }
                    }
                }
            }
            Self.report(name, since: before)
        }
    }

    private func suspendedWithoutStore() async throws {
        let waiting = try InMemoryRunner(Waiting(), logger: self.logger)
        let before = Self.residentBytes()
        await withDiscardingTaskGroup { group in
            for _ in 0..<Self.sleepers {
                group.addImmediateTask {
                    // Every one of them is cancelled below.
                    do { _ = try await waiting.run(.init()) } catch {}
                }
            }
            do { try await Task.sleep(for: .seconds(2)) } catch {}
            Self.report("none", since: before)
            group.cancelAll()
        }
    }

    private static func report(_ store: String, since before: Int) {
        let bytes = Double(Self.residentBytes() - before) / Double(Self.sleepers)
        Figure(name: "asleep100000", store: store, metric: "bytes/run", value: bytes).print()
    }

    /// The memory that the process has resident.
    private static func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 128)
        guard fgets(&buffer, Int32(buffer.count), file) != nil else { return 0 }
        let fields = String(decoding: buffer.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
    }
}
