// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

@testable import Cano

/// Time that only the test moves, and runs that only the test ends.
final class VirtualScheduleHost: ScheduleHost {
    struct Started: Sendable, Equatable {
        var workflow: DefinitionKey
        var key: String
        var context: Payload
    }

    /// A moment behind 08:00, so that nothing ticks before the test moves the time: a schedule that begins at one of
    /// its nominal times ticks at once.
    static let begin = Instant(microseconds: 1_800_000_000_001_000)

    /// A full hour of the day on which it begins.
    static func hour(_ hour: Int64) -> Instant { Instant(microseconds: 1_799_971_200_000_000 + hour * 3_600_000_000) }

    private struct State {
        var now = VirtualScheduleHost.begin
        var sleepers: [Int: (until: Instant, bell: OneShot<Void>)] = [:]
        var nextSleeper = 0
        var starts: [Started] = []
        var runs: [String: RunID] = [:]
        var ends: [RunID: OneShot<Schedule.RunEnd>] = [:]
        var cancelled: [RunID] = []
        var refusals: [CanoError] = []
        var gate: OneShot<Void>?
        var numbers: UInt64 = 0
    }

    private let state = Guarded(State())

    // MARK: What the test does

    var starts: [Started] { self.state.withLock { $0.starts } }
    var keys: [String] { self.starts.map(\.key) }
    var cancelled: [RunID] { self.state.withLock { $0.cancelled } }
    /// Until when somebody sleeps, the earliest first.
    var sleepers: [Instant] { self.state.withLock { $0.sleepers.values.map(\.until).sorted() } }

    func advance(by span: Span) {
        let bells = self.state.withLock { state in
            state.now = state.now.advanced(by: span)
            let due = state.sleepers.filter { $0.value.until <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.bell)
        }
        for bell in bells { bell.fulfil(()) }
    }

    /// Waits until somebody pauses before trying something again, and lets that pause be over.
    func skipPause() async throws {
        let longest = Span.seconds(5)
        try await until { self.sleepers.first.map { $0 <= self.now().advanced(by: longest) } == true }
        guard let first = self.sleepers.first else { return }
        self.advance(by: Span(milliseconds: first.milliseconds(since: self.now())))
    }

    /// The next starts are refused with these errors.
    func refuse(_ errors: [CanoError]) { self.state.withLock { $0.refusals = errors } }

    /// Starts do not return before the test opens the gate.
    func closeGate() -> OneShot<Void> {
        let gate = OneShot<Void>()
        self.state.withLock { $0.gate = gate }
        return gate
    }

    func end(_ key: String, _ end: Schedule.RunEnd) {
        let bell = self.state.withLock { state in state.runs[key].flatMap { state.ends[$0] } }
        bell?.fulfil(end)
    }

    func run(_ key: String) -> RunID? { self.state.withLock { $0.runs[key] } }

    // MARK: What the scheduler sees

    func now() -> Instant { self.state.withLock { $0.now } }

    func sleep(until instant: Instant) async {
        let bell = OneShot<Void>()
        let id = self.state.withLock { state -> Int? in
            guard state.now < instant else { return nil }
            state.nextSleeper += 1
            state.sleepers[state.nextSleeper] = (instant, bell)
            return state.nextSleeper
        }
        guard let id else { return }
        _ = await bell.value()
        self.state.withLock { $0.sleepers[id] = nil }
    }

    func start(_ workflow: DefinitionKey, key: String, context: Payload) async throws(CanoError) -> RunID {
        _ = await self.state.withLock { $0.gate }?.value()
        if Task.isCancelled { throw CanoError(.shuttingDown, "the process is gone") }
        let refusal = self.state.withLock { $0.refusals.isEmpty ? nil : $0.refusals.removeFirst() }
        if let refusal { throw refusal }
        return self.state.withLock { state in
            state.starts.append(Started(workflow: workflow, key: key, context: context))
            if let run = state.runs[key] { return run }
            state.numbers += 1
            let run = RunID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0000 | state.numbers)
            state.runs[key] = run
            state.ends[run] = OneShot()
            return run
        }
    }

    func end(of run: RunID) async throws(CanoError) -> Schedule.RunEnd? {
        await self.state.withLock { $0.ends[run] }?.value()
    }

    func cancel(_ run: RunID) async throws(CanoError) {
        let bell = self.state.withLock { state in
            state.cancelled.append(run)
            return state.ends[run]
        }
        bell?.fulfil(.cancelled(isClean: true))
    }

    func number() -> UInt64 {
        self.state.withLock { state in
            state.numbers += 1
            return state.numbers
        }
    }
}

/// Returns when it holds.
func until(_ condition: () async throws -> Bool) async throws {
    while try await !condition() { try await Task.sleep(for: .milliseconds(1)) }
}
