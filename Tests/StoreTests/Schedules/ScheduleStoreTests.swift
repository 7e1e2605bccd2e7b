// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import CanoSQLite
import Foundation
import Testing

@Suite("Stores of schedules")
struct ScheduleStoreTests {
    private static let start = Instant(microseconds: 1_800_000_000_000_000)

    private static func story() -> (Schedule, [TickRow]) {
        let settings = ScheduleSettings(ScheduleSpec(.every(.seconds(60)))) { $0.overlap = .bufferOne }
        var schedule = Schedule(name: "s", settings: settings, at: Self.start)
        var rows: [TickRow] = []
        for minute in 1...3 {
            for effect in schedule.apply(.clockTicked, at: Self.start.advanced(by: .seconds(Int64(minute) * 60))) {
                if case .record(let row) = effect { rows.append(row) }
            }
        }
        _ = schedule.apply(.started(rows[0].id, RunID(high: 1, low: 2)), at: Self.start)
        _ = schedule.apply(.paused(by: "ada", note: "ünïcode \"quoted\""), at: Self.start)
        return (schedule, rows)
    }

    private static func check(_ store: any ScheduleStore) async throws {
        let (schedule, rows) = Self.story()
        #expect(try await store.schedules().isEmpty)
        #expect(try await store.ticks(of: "s", limit: 10).isEmpty)
        try await store.save([
            ScheduleChange(name: "s", state: schedule.state, rows: rows),
            ScheduleChange(name: "t", state: schedule.state),
        ])
        #expect(try await store.schedules() == ["s": schedule.state, "t": schedule.state])
        #expect(try await store.ticks(of: "s", limit: 10) == rows.reversed())
        #expect(try await store.ticks(of: "s", limit: 1) == [try #require(rows.last)])
        #expect(try await store.ticks(of: "t", limit: 10).isEmpty)
        try await store.save([ScheduleChange(name: "s", state: nil)])
        #expect(try await store.schedules().keys.sorted() == ["t"])
        #expect(try await store.ticks(of: "s", limit: 10).count == rows.count)
    }

    @Test("memory keeps states and rows")
    func memory() async throws {
        try await Self.check(MemoryScheduleStore())
    }

    @Test("L-SCHED-04: SQLite keeps states and rows, also when the file is opened again")
    func sqlite() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cano-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "s.sqlite").path
        let store = try await SQLiteStore.open(path: path, clock: { Self.start }, preallocating: 0)
        try await Self.check(store)
        await store.close()
        let again = try await SQLiteStore.open(path: path, clock: { Self.start }, preallocating: 0)
        #expect(try await again.schedules()["t"] == Self.story().0.state)
        #expect(try await again.ticks(of: "s", limit: 10) == Self.story().1.reversed())
        await again.close()
    }
}

extension TickRow {
    fileprivate var id: TickID { .scheduled(self.first) }
}
