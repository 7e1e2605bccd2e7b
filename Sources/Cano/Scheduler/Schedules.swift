// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// Schedules to be run by a ``Scheduler``: when each of them ticks, and which workflow a tick starts.
///
/// ```swift
/// var schedules = Schedules()
/// try schedules.every("refresh", .seconds(30), start: RefreshPrices.self) { _ in .init() }
/// try schedules.cron("report", "0 7 * * MON-FRI", zone: "Europe/Berlin", start: Report.self) { tick in
///     .init(day: tick.id.nominal)
/// }
/// try schedules.manual("rebuild", start: Rebuild.self) { _ in .init() }
/// ```
///
/// The closure makes the context of a tick's run. It must give the same context for the same tick: a tick that was
/// being started when the process died is started once more under the same key.
public struct Schedules: Sendable {
    /// One schedule.
    struct Entry: Sendable {
        var name: String
        var settings: ScheduleSettings
        var workflow: DefinitionKey
        var context: @Sendable (Tick) throws(CanoError) -> Payload
    }

    private(set) var entries: [Entry] = []
    private var names: Set<String> = []

    /// No schedules.
    public init() {}

    /// How many there are.
    public var count: Int { self.entries.count }
    /// Whether there are none.
    public var isEmpty: Bool { self.entries.isEmpty }
    /// Whether there is one of this name.
    public func contains(_ name: String) -> Bool { self.names.contains(name) }

    /// A schedule that ticks always the same time apart.
    ///
    /// The ticks are counted from 1970-01-01 00:00 UTC, so a restart does not shift them.
    ///
    /// - Parameters:
    ///   - name: its name, unique in the scheduler.
    ///   - interval: the time between two ticks, at least `Limits.scheduleInterval`.
    ///   - workflow: what a tick starts.
    ///   - adjust: changes the settings from their defaults.
    ///   - context: makes the context of a tick's run.
    /// - Throws: `invalidSchedule` when there is one of this name.
    public mutating func every<W: Workflow>(
        _ name: String,
        _ interval: Duration,
        start workflow: W.Type,
        adjust: (inout ScheduleSettings) -> Void = { _ in },
        context: @escaping @Sendable (Tick) throws -> W.Context
    ) throws(CanoError) {
        try self.add(name, ScheduleSpec(.every(Span(interval))), start: workflow, adjust: adjust, context: context)
    }

    /// A schedule that ticks when a cron expression says so.
    ///
    /// - Parameters:
    ///   - name: its name, unique in the scheduler; `H` in the expression is drawn from it.
    ///   - expression: five or six fields, a name such as `@daily`, or `@every 90s`; see `CronExpression`.
    ///   - zone: the time zone whose clocks the expression means.
    ///   - workflow: what a tick starts.
    ///   - adjust: changes the settings from their defaults.
    ///   - context: makes the context of a tick's run.
    /// - Throws: `invalidSchedule` with field and column of a mistake, or when there is one of this name.
    public mutating func cron<W: Workflow>(
        _ name: String,
        _ expression: String,
        zone: String = "UTC",
        start workflow: W.Type,
        adjust: (inout ScheduleSettings) -> Void = { _ in },
        context: @escaping @Sendable (Tick) throws -> W.Context
    ) throws(CanoError) {
        let spec = try ScheduleSpec.cron(expression, in: ZoneRules.named(zone), name: name)
        try self.add(name, spec, start: workflow, adjust: adjust, context: context)
    }

    /// A schedule that only ``Scheduler/trigger(_:start:context:force:)`` starts.
    ///
    /// - Parameters:
    ///   - name: its name, unique in the scheduler.
    ///   - workflow: what it starts.
    ///   - adjust: changes the settings from their defaults.
    ///   - context: makes the context of a run that is triggered without one.
    /// - Throws: `invalidSchedule` when there is one of this name.
    public mutating func manual<W: Workflow>(
        _ name: String,
        start workflow: W.Type,
        adjust: (inout ScheduleSettings) -> Void = { _ in },
        context: @escaping @Sendable (Tick) throws -> W.Context
    ) throws(CanoError) {
        try self.add(name, .manual, start: workflow, adjust: adjust, context: context)
    }

    /// A schedule from a spec.
    ///
    /// - Parameters:
    ///   - name: its name, unique in the scheduler.
    ///   - spec: when it ticks.
    ///   - workflow: what a tick starts.
    ///   - adjust: changes the settings from their defaults.
    ///   - context: makes the context of a tick's run.
    /// - Throws: `invalidSchedule` when there is one of this name.
    public mutating func add<W: Workflow>(
        _ name: String,
        _ spec: ScheduleSpec,
        start workflow: W.Type,
        adjust: (inout ScheduleSettings) -> Void = { _ in },
        context: @escaping @Sendable (Tick) throws -> W.Context
    ) throws(CanoError) {
        guard self.names.insert(name).inserted else { throw Self.taken(name) }
        let entry = Entry(
            name: name,
            settings: ScheduleSettings(spec, adjust),
            workflow: DefinitionKey(name: W.name, version: W.version)
        ) { tick throws(CanoError) in
            if let payload = tick.payload { return payload }
            let value: W.Context
            do { value = try context(tick) } catch {
                throw CanoError(.invalidInput, "schedule '\(name)' has no context for its tick: \(error)", cause: error)
            }
            return try Payload(encoding: value, what: "the context of schedule '\(name)'")
        }
        self.entries.append(entry)
    }

    static func unknown(_ name: String) -> CanoError {
        CanoError(.unknownSchedule, "there is no schedule '\(name)': add it, or name another")
    }

    static func taken(_ name: String) -> CanoError {
        CanoError(.invalidSchedule, "there is a schedule '\(name)' already: choose another name, or remove it first")
    }
}
