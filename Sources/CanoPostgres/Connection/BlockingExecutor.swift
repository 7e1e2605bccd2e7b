// SPDX-License-Identifier: Apache-2.0 OR MIT

import Dispatch

/// Runs an actor on its own queue, so that a blocking C call never occupies one of the few threads that run Swift
/// tasks.
final class BlockingExecutor: SerialExecutor {
    private let queue: DispatchQueue

    /// An executor with a thread of its own whenever it has something to run.
    init(label: String) {
        self.queue = DispatchQueue(label: label)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    func checkIsolated() {
        dispatchPrecondition(condition: .onQueue(self.queue))
    }
}
