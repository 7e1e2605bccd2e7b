// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

extension SQLiteStore: ScheduleStore {
    /// See ``ScheduleStore/schedules()``.
    public func schedules() async throws(CanoError) -> [String: Schedule.State] {
        try await self.read { try ScheduleTable($0.database).all() }
    }

    /// See ``ScheduleStore/save(_:)``.
    public func save(_ changes: [ScheduleChange]) async throws(CanoError) {
        try await self.write { try ScheduleTable($0).save(changes, at: self.clock()) }
    }

    /// See ``ScheduleStore/ticks(of:limit:)``.
    public func ticks(of schedule: String, limit: Int) async throws(CanoError) -> [TickRow] {
        try await self.read { try ScheduleTable($0.database).ticks(of: schedule, limit: limit) }
    }
}
