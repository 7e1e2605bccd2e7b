// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
internal import DequeModule

/// How a run ended.
struct RunEnd: Sendable {
    var outcome: RunOutcome
    var finish: Record.Finish
}

/// Who waits for the end of a run, and how the last few ended: who asks for those need not ask the store.
final class FinishWaiters: Sendable {
    fileprivate struct State {
        var tickets: [RunID: [ObjectIdentifier: FinishTicket]] = [:]
        var ends: [RunID: RunEnd] = [:]
        var order: Deque<RunID> = []
        var bytes = 0
        /// How many ends there were, and how often some may have been missed.
        var moment = Moment(ends: 0, misses: 0)
    }

    /// A point in the story of what ended.
    struct Moment: Sendable {
        fileprivate var ends: Int
        fileprivate var misses: Int
    }

    /// So many ends are remembered, as long as their contexts have no more bytes than this.
    private static let mostEnds = 1024
    private static let mostBytes = 1 << 20

    private let state = Guarded(State())

    /// Now.
    var now: Moment { self.state.withLock { $0.moment } }

    /// Whether every end since then is remembered: older ones may be forgotten.
    func remembersAll(since moment: Moment) -> Bool {
        self.state.withLock { state in
            let forgotten = state.moment.ends - state.order.count
            return state.moment.misses == moment.misses && forgotten <= moment.ends
        }
    }

    /// How the run ended; `nil` when it has not, or that is not remembered.
    func end(of run: RunID) -> RunEnd? { self.state.withLock { $0.ends[run] } }

    fileprivate func add(_ ticket: FinishTicket) {
        self.state.withLock { $0.tickets[ticket.run, default: [:]][ObjectIdentifier(ticket)] = ticket }
    }

    fileprivate func remove(_ ticket: FinishTicket) {
        self.state.withLock { state in
            state.tickets[ticket.run]?[ObjectIdentifier(ticket)] = nil
            if state.tickets[ticket.run]?.isEmpty ?? false { state.tickets[ticket.run] = nil }
        }
    }

    /// Has everybody look at the store: somebody else owns a run, or did, and its end was not heard here.
    func ringAll() {
        let tickets = self.state.withLock { state in
            state.moment.misses += 1
            return Array(state.tickets.values)
        }
        for tickets in tickets {
            for ticket in tickets.values { ticket.ring(nil) }
        }
    }

    /// The run has ended; the store has the outcome.
    func finished(_ run: RunID, _ end: RunEnd) {
        let tickets = self.state.withLock { state in
            state.remember(run, end, most: Self.mostEnds, bytes: Self.mostBytes)
            return state.tickets.removeValue(forKey: run)
        }
        for ticket in (tickets ?? [:]).values { ticket.ring(end) }
    }
}

extension FinishWaiters.State {
    fileprivate mutating func remember(_ run: RunID, _ end: RunEnd, most: Int, bytes: Int) {
        if self.ends.updateValue(end, forKey: run) == nil {
            self.order.append(run)
            self.moment.ends += 1
        }
        self.bytes += end.finish.context.count
        while self.order.count > most || self.bytes > bytes, let oldest = self.order.popFirst() {
            self.bytes -= self.ends.removeValue(forKey: oldest)?.finish.context.count ?? 0
        }
    }
}

/// One who waits.
///
/// The ticket is taken before the store is asked, so that no end falls between.
final class FinishTicket: Sendable {
    private enum Phase {
        case idle
        case waiting(any HostTime)
        case rung
    }

    fileprivate let run: RunID
    private let waiters: FinishWaiters
    private let phase = Guarded(Phase.idle)
    private let bell = Mailbox<RunEnd?>()

    init(_ waiters: FinishWaiters, _ run: RunID) {
        self.run = run
        self.waiters = waiters
        waiters.add(self)
    }

    fileprivate func ring(_ end: RunEnd?) {
        self.stopWaiting(.rung)
        self.bell.post(end)
    }

    /// Gives the ticket back.
    func cancel() {
        self.waiters.remove(self)
    }

    /// Returns when the run may have ended: with its end, or with `nil` when the store must be asked or the task was
    /// cancelled.
    func end(by time: any HostTime) async -> RunEnd? {
        let waits = self.startWaiting(time)
        defer { if waits { self.stopWaiting(.idle) } }
        return await self.bell.next()?.lazy.compactMap(\.self).first
    }

    /// Returns when the run has ended, the time has passed or the task is cancelled, and gives the ticket back.
    func wait(atMost span: Duration, by time: any HostTime) async {
        if self.startWaiting(time) {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = await self.bell.next() }
                group.addTask {
                    let end = time.now.advanced(by: span)
                    // A cancelled sleep is what we want when the bell rang first.
                    do { try await time.sleep(until: end, for: .upkeep, releasing: 0) } catch { return }
                    time.busy(-1)
                }
                await group.next()
                group.cancelAll()
            }
            self.stopWaiting(.idle)
        }
        self.cancel()
    }

    /// False when the bell has rung already.
    private func startWaiting(_ time: any HostTime) -> Bool {
        let starts = self.phase.withLock { phase in
            guard case .idle = phase else { return false }
            phase = .waiting(time)
            return true
        }
        if starts { time.awaited(1) }
        return starts
    }

    private func stopWaiting(_ next: Phase) {
        let time = self.phase.withLock { phase -> (any HostTime)? in
            let time: (any HostTime)? = if case .waiting(let time) = phase { time } else { nil }
            if case .rung = phase { return time }
            phase = next
            return time
        }
        time?.awaited(-1)
    }
}
