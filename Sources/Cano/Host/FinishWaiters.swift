// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Who waits for the end of a run.
final class FinishWaiters: Sendable {
    private struct State {
        var tickets: [RunID: [ObjectIdentifier: FinishTicket]] = [:]
    }

    private let state = Guarded(State())

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
        for tickets in self.state.withLock({ Array($0.tickets.values) }) {
            for ticket in tickets.values { ticket.ring(isOver: false) }
        }
    }

    /// The run has ended; the store has the outcome.
    func finished(_ run: RunID) {
        guard let tickets = self.state.withLock({ $0.tickets.removeValue(forKey: run) }) else { return }
        for ticket in tickets.values { ticket.ring(isOver: true) }
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
    private let bell = Mailbox<Bool>()

    init(_ waiters: FinishWaiters, _ run: RunID) {
        self.run = run
        self.waiters = waiters
        waiters.add(self)
    }

    fileprivate func ring(isOver: Bool) {
        self.stopWaiting(.rung)
        self.bell.post(isOver)
    }

    /// Gives the ticket back.
    func cancel() {
        self.waiters.remove(self)
    }

    /// Returns when the run may have ended: true when it has, false when the store must be asked or the task was
    /// cancelled.
    func isOver(by time: any HostTime) async -> Bool {
        let waits = self.startWaiting(time)
        defer { if waits { self.stopWaiting(.idle) } }
        return await self.bell.next()?.contains(true) ?? false
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
