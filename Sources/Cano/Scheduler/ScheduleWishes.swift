// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Who waits for what a scheduler makes of a wish.
final class ScheduleWishes: Sendable {
    /// A wish for a run.
    struct Wish: Sendable {
        let tick: TickID
        /// What the schedule says to it; `nil` when the scheduler stops first.
        let answer: OneShot<Schedule.TriggerAnswer?>
        /// The run, as soon as it exists.
        let run: OneShot<Result<RunID, CanoError>>
    }

    private struct State {
        var wishes: [TickID: Wish] = [:]
        var additions: [UInt64: OneShot<CanoError?>] = [:]
        var lastAddition: UInt64 = 0
        var isStopped = false
    }

    private let state = Guarded(State())

    /// Notes that somebody waits for an answer to this tick.
    func wish(_ tick: TickID) -> Wish {
        let wish = Wish(tick: tick, answer: OneShot(), run: OneShot())
        let isStopped = self.state.withLock { state in
            if !state.isStopped { state.wishes[tick] = wish }
            return state.isStopped
        }
        if isStopped { Self.end(wish) }
        return wish
    }

    /// Notes that somebody waits for schedules to be added.
    func add() -> (request: UInt64, answer: OneShot<CanoError?>) {
        let answer = OneShot<CanoError?>()
        let request = self.state.withLock { state in
            state.lastAddition += 1
            state.additions[state.lastAddition] = answer
            return state.lastAddition
        }
        return (request, answer)
    }

    func added(_ request: UInt64, _ refusal: CanoError?) {
        self.state.withLock { $0.additions.removeValue(forKey: request) }?.fulfil(refusal)
    }

    func answered(_ tick: TickID, _ answer: Schedule.TriggerAnswer) {
        let wish = self.state.withLock { state in
            switch answer {
            case .started, .buffered: state.wishes[tick]
            case .refused: state.wishes.removeValue(forKey: tick)
            }
        }
        wish?.answer.fulfil(answer)
    }

    func started(_ tick: TickID, _ run: RunID) { self.end(tick, .success(run)) }

    func failed(_ tick: TickID, _ error: CanoError) { self.end(tick, .failure(error)) }

    private func end(_ tick: TickID, _ run: Result<RunID, CanoError>) {
        guard let wish = self.state.withLock({ $0.wishes.removeValue(forKey: tick) }) else { return }
        // A run may come to be before its schedule's answer is delivered, which then finds nobody any more.
        wish.answer.fulfil(.started)
        wish.run.fulfil(run)
    }

    /// The scheduler stops: nobody gets an answer any more.
    func stop() {
        let (wishes, additions) = self.state.withLock { state in
            defer { (state.wishes, state.additions, state.isStopped) = ([:], [:], true) }
            return (Array(state.wishes.values), Array(state.additions.values))
        }
        for wish in wishes { Self.end(wish) }
        for addition in additions { addition.fulfil(Scheduler.stopping) }
    }

    private static func end(_ wish: Wish) {
        wish.answer.fulfil(nil)
        wish.run.fulfil(.failure(Scheduler.stopping))
    }
}
