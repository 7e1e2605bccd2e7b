// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import CanoEngine
internal import Logging

/// Undoes what a run without a store did.
struct DirectRollback: Sendable {
    let run: RunID
    /// In the order in which it was done.
    let undos: [DirectUndo]
    let failures: WorkFailures
    let logger: Logger

    /// Undoes all, the newest first, whatever becomes of the task meanwhile.
    func run(seed: UInt64) async {
        // Unstructured: a new task is not cancelled with ours; we always wait for it, so nothing outlives us. It begins
        // on this thread, and stays here while no undo suspends.
        await Task.immediate { await self.undoAll(seed) }.value
    }

    /// Not part of the task's own body, which would look for its executor behind every undo.
    @inline(never)
    private func undoAll(_ seed: UInt64) async {
        for undo in self.undos.reversed() {
            var first: (any Error)?
            if undo.undoing.isPlain {
                do {
                    try await undo.code(self.task(undo, 1, due: nil))
                    continue
                } catch { first = error }
            }
            await self.tryAgain(undo, after: first, seed)
        }
    }

    /// The attempts at an undo, apart from a first one that may have been made.
    private func tryAgain(_ undo: DirectUndo, after first: (any Error)?, _ seed: UInt64) async {
        let definition = undo.undoing.definition
        var attempts = DirectAttempts(
            retry: definition.retry,
            timeout: definition.timeout,
            isUndoable: false,
            failures: self.failures,
            seed: seed
        )
        let end = await attempts.run(after: first) { attempt, due in
            try await undo.code(self.task(undo, attempt, due: due))
        }
        switch end {
        case .done: break
        case .failed(let failure):
            let state = undo.undoing.state
            self.logger.warning(
                "undo failed",
                metadata: ["cano.run": "\(self.run)", "cano.state": "\(state)", "error": "\(failure.message)"]
            )
        case .stopped: fatalError("an undo was stopped, though nobody can cancel it")
        }
    }

    private func task(_ undo: DirectUndo, _ attempt: Int, due: Duration?) -> TaskContext {
        TaskContext(
            run: self.run,
            state: undo.undoing.state,
            visit: undo.visit,
            attempt: attempt,
            work: .undoes(undo.path),
            due: due,
            logger: self.logger
        )
    }
}
