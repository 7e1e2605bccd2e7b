// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// The tasks that run leases, so that each can be cancelled by its lease.
///
/// A child of a discarding group has no handle of its own. Each registers itself for as long as it runs.
package final class RunningTasks: Sendable {
    private enum Entry {
        case running(TaskHandle)
        /// It is to be cancelled as soon as it runs.
        case cancelled
    }

    /// A task that can be cancelled from outside.
    private struct TaskHandle: @unchecked Sendable {
        // @unchecked: only `cancel()` is called, which is safe from any task, and only while the task is registered and
        // therefore inside its `withUnsafeCurrentTask`.
        let task: UnsafeCurrentTask
    }

    private let entries = Guarded<[LeaseRef: Entry]>([:])

    package init() {}

    /// Runs `body` in the current task so that ``cancel(_:)`` reaches it.
    package func run<Value: Sendable>(_ lease: LeaseRef, _ body: @Sendable () async -> Value) async -> Value {
        await withUnsafeCurrentTask { task in
            if let task {
                let handle = TaskHandle(task: task)
                self.entries.withLock { entries in
                    if case .cancelled = entries[lease] { handle.task.cancel() }
                    entries[lease] = .running(handle)
                }
            }
            defer { self.forget(lease) }
            return await body()
        }
    }

    /// Cancels the tasks of these leases, also those that have not begun yet.
    package func cancel(_ leases: [LeaseRef]) {
        self.entries.withLock { entries in
            for lease in leases {
                if case .running(let handle) = entries[lease] {
                    handle.task.cancel()
                } else {
                    entries[lease] = .cancelled
                }
            }
        }
    }

    /// Forgets a lease whose task has ended or will never begin.
    package func forget(_ lease: LeaseRef) {
        self.entries.withLock { $0[lease] = nil }
    }
}
