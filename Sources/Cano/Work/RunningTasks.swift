// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// The tasks that run leases, so that each can be cancelled by its lease.
///
/// A child of a discarding group has no handle of its own. Each registers itself for as long as it runs.
package final class RunningTasks: Sendable {
    /// A task that can be cancelled from outside.
    private struct TaskHandle: @unchecked Sendable {
        // @unchecked: only `cancel()` is called, which is safe from any task, and only while the task is registered and
        // therefore inside its `withUnsafeCurrentTask`.
        let task: UnsafeCurrentTask
    }

    private struct State {
        /// By slot, because every attempt comes and goes here while hardly any is ever looked for.
        var running: [(lease: LeaseRef, handle: TaskHandle)?] = []
        var free: [Int] = []
        /// Those to be cancelled as soon as they run.
        var early: Set<LeaseRef> = []
    }

    private let state = Guarded(State())

    package init() {}

    /// Runs `body` in the current task so that ``cancel(_:)`` reaches it.
    package func run<Value: Sendable>(_ lease: LeaseRef, _ body: @Sendable () async -> Value) async -> Value {
        await withUnsafeCurrentTask { task in
            let slot = task.map { self.enter(lease, TaskHandle(task: $0)) }
            defer { slot.map { self.leave($0, lease) } }
            return await body()
        }
    }

    private func enter(_ lease: LeaseRef, _ handle: TaskHandle) -> Int {
        self.state.withLock { state in
            if !state.early.isEmpty, state.early.remove(lease) != nil { handle.task.cancel() }
            let slot = state.free.popLast() ?? state.running.count
            if slot == state.running.count { state.running.append(nil) }
            state.running[slot] = (lease, handle)
            return slot
        }
    }

    private func leave(_ slot: Int, _ lease: LeaseRef) {
        self.state.withLock { state in
            invariant(state.running[slot]?.lease == lease, "an attempt left the slot of another one")
            state.running[slot] = nil
            state.free.append(slot)
            if !state.early.isEmpty { state.early.remove(lease) }
        }
    }

    /// Cancels the tasks of these leases, also those that have not begun yet.
    package func cancel(_ leases: [LeaseRef]) {
        self.state.withLock { state in
            let leases = Set(leases)
            var early = leases
            for case (let lease, let handle)? in state.running where leases.contains(lease) {
                handle.task.cancel()
                early.remove(lease)
            }
            state.early.formUnion(early)
        }
    }

    /// Forgets a lease whose task has ended or will never begin.
    package func forget(_ lease: LeaseRef) {
        self.state.withLock { _ = $0.early.remove(lease) }
    }
}
