// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
internal import DequeModule

/// A queue between tasks: anybody posts without waiting, a few loops take everything that is there at once.
///
/// It has no bound of its own: what is posted is bounded by credit, by sessions and by requests in flight.
package final class Mailbox<Element: Sendable>: Sendable {
    private struct State {
        var items: [Element] = []
        /// How many of them have been taken one by one.
        var taken = 0
        var waiters: Deque<(id: Int?, continuation: CheckedContinuation<Void, Never>)> = []
        var nextWaiter = 0
        var isClosed = false
    }

    private let state = Guarded(State())

    package init() {}

    /// Adds an element; false when the box is closed.
    @discardableResult
    package func post(_ element: Element) -> Bool {
        let (accepted, waiter) = self.state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
            guard !state.isClosed else { return (false, nil) }
            state.items.append(element)
            return (true, state.waiters.popFirst()?.continuation)
        }
        waiter?.resume()
        return accepted
    }

    /// Takes nothing more; what is inside is still handed out.
    package func close() {
        let waiters = self.state.withLock { state in
            state.isClosed = true
            let waiters = Array(state.waiters.map(\.continuation))
            state.waiters = []
            return waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Everything that is there, up to `count`, waiting for the first element; `nil` when the box is closed and empty,
    /// or the task is cancelled.
    package func next(atMost count: Int = .max) async -> [Element]? {
        while true {
            let (items, isClosed) = self.take(atMost: count)
            if !items.isEmpty { return items }
            if isClosed || Task.isCancelled { return nil }
            await self.wait()
        }
    }

    /// The same for a reader that its task's cancellation does not stop: `nil` only when the box is closed and empty.
    package func nextUntilClosed() async -> [Element]? {
        while true {
            let (items, isClosed) = self.take(atMost: .max)
            if !items.isEmpty { return items }
            if isClosed { return nil }
            await withCheckedContinuation { self.enlist($0, as: nil) }
        }
    }

    /// What is there now, up to `count`.
    package func take(atMost count: Int) -> (items: [Element], isClosed: Bool) {
        self.state.withLock { state in
            guard state.items.count - state.taken > count else {
                let items = state.taken == 0 ? state.items : Array(state.items[state.taken...])
                state.items = []
                state.taken = 0
                return (items, state.isClosed)
            }
            let items = Array(state.items[state.taken..<state.taken + count])
            state.taken += count
            // Moved up only now and then, so that taking one costs the same however many there are.
            if state.taken > 32, state.taken * 2 > state.items.count {
                state.items.removeFirst(state.taken)
                state.taken = 0
            }
            return (items, state.isClosed)
        }
    }

    private func wait() async {
        let id = self.state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { self.enlist($0, as: id) }
        } onCancel: {
            let waiter = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
                guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
                return state.waiters.remove(at: index).continuation
            }
            waiter?.resume()
        }
    }

    /// Resumes the reader when there is something for it; one without an id is not stopped by cancellation.
    private func enlist(_ continuation: CheckedContinuation<Void, Never>, as id: Int?) {
        let mustGoOn = self.state.withLock { state in
            if !state.items.isEmpty || state.isClosed || (id != nil && Task.isCancelled) { return true }
            state.waiters.append((id, continuation))
            return false
        }
        if mustGoOn { continuation.resume() }
    }
}
