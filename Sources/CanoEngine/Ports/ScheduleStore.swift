// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Where schedules are remembered: what each of them has decided, and the ledger of its ticks.
public protocol ScheduleStore: Sendable {
    /// What each schedule remembers, by name.
    func schedules() async throws(CanoError) -> [String: Schedule.State]
    /// Keeps new states together with the rows that led to them: all of them or none.
    func save(_ changes: [ScheduleChange]) async throws(CanoError)
    /// The rows of a schedule, the newest first.
    ///
    /// - Parameters:
    ///   - schedule: its name.
    ///   - limit: how many at most.
    /// - Returns: the rows; none for a name that nobody knows.
    /// - Throws: `storeUnavailable` and its kin.
    func ticks(of schedule: String, limit: Int) async throws(CanoError) -> [TickRow]
}

/// What is kept of a schedule after some events.
public struct ScheduleChange: Hashable, Sendable {
    /// The schedule.
    public var name: String
    /// What it remembers now; `nil` when it is removed, which leaves its rows.
    public var state: Schedule.State?
    /// What was decided.
    public var rows: [TickRow]

    /// A change from its parts.
    public init(name: String, state: Schedule.State?, rows: [TickRow] = []) {
        self.name = name
        self.state = state
        self.rows = rows
    }
}

/// Schedules that are forgotten when the process ends.
public final class MemoryScheduleStore: ScheduleStore {
    private struct Tables {
        var states: [String: Schedule.State] = [:]
        var rows: [String: [TickRow]] = [:]
    }

    private static let rowsKept = 1000

    private let tables = Guarded(Tables())

    /// An empty store.
    public init() {}

    /// See ``ScheduleStore/schedules()``.
    public func schedules() async -> [String: Schedule.State] { self.tables.withLock { $0.states } }

    /// See ``ScheduleStore/save(_:)``; of each schedule's rows the newest thousand or more are kept.
    public func save(_ changes: [ScheduleChange]) async {
        self.tables.withLock { tables in
            for change in changes {
                tables.states[change.name] = change.state
                guard !change.rows.isEmpty else { continue }
                tables.rows[change.name, default: []] += change.rows
                let surplus = (tables.rows[change.name]?.count ?? 0) - Self.rowsKept
                if surplus > Self.rowsKept { tables.rows[change.name]?.removeFirst(surplus) }
            }
        }
    }

    /// See ``ScheduleStore/ticks(of:limit:)``.
    public func ticks(of schedule: String, limit: Int) async -> [TickRow] {
        self.tables.withLock { Array(($0.rows[schedule] ?? []).suffix(max(0, limit)).reversed()) }
    }
}
