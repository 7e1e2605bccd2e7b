// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
internal import Logging

/// What work that takes several attempts needs to know about its run.
@usableFromInline
struct DirectTurns: Sendable {
    let task: TaskDefinition
    let failures: WorkFailures
    let seed: UInt64
    /// What an attempt needs.
    let context: @Sendable (Int, Duration?) -> TaskContext
    /// What an error of the task means.
    let refused: @Sendable (any Error) -> any Error
    /// The cursor, when the work was interrupted before.
    let cursor: (any Sendable)?

    /// Takes turns until one says that the work is done.
    ///
    /// What a turn changes in the context counts only when it is the last one.
    @usableFromInline
    func run<Context: Sendable, Cursor: Sendable>(
        _ context: Context,
        _ turn: @escaping @Sendable (inout Context, Cursor?, TaskContext) async throws -> DirectTurn<Cursor>
    ) async -> DirectTurnsEnd<Context> {
        var attempts = DirectAttempts(
            retry: self.task.retry,
            timeout: self.task.timeout,
            isUndoable: self.task.undo != nil,
            failures: self.failures,
            seed: self.seed,
            budget: self.task.repetition?.errorBudget
        )
        // A cursor may be an optional itself: none at all is no such cursor.
        var cursor = self.cursor.flatMap { $0 as? Cursor }
        var breather = Breather()
        while true {
            let from = cursor
            let end = await attempts.run { number, due in
                var value = context
                do { return (try await turn(&value, from, self.context(number, due)), value) } catch {
                    throw self.refused(error)
                }
            }
            let isInDoubt = attempts.isInDoubt
            switch end {
            case .failed(let failure): return DirectTurnsEnd(.failed(failure), isInDoubt: isInDoubt, cursor: cursor)
            case .stopped: return DirectTurnsEnd(.stopped, isInDoubt: isInDoubt, cursor: cursor)
            case .done((.done(let end), let value)):
                return DirectTurnsEnd(.done((value, end)), isInDoubt: isInDoubt)
            case .done((.again(let next, let after), _)):
                cursor = next ?? cursor
                attempts.goOn()
                let pause = after ?? self.task.repetition?.pause?.duration ?? .zero
                do {
                    if pause > .zero { try await Task.sleep(for: pause) } else { try Task.checkCancellation() }
                } catch { return DirectTurnsEnd(.stopped, isInDoubt: isInDoubt, cursor: cursor) }
                if breather.isTired { await breather.rest() }
            }
        }
    }
}

/// What came out of one turn.
@usableFromInline
enum DirectTurn<Cursor: Sendable>: Sendable {
    /// The work is done.
    case done(DirectEnd)
    /// Another turn follows, from this cursor, after so long; `nil`: as the step says.
    case again(Cursor?, after: Duration?)
}

/// How work ended that takes several attempts.
@usableFromInline
struct DirectTurnsEnd<Context: Sendable>: Sendable {
    let end: DirectAttempts.End<(Context, DirectEnd)>
    /// Whether an attempt may have done something that nobody knows of.
    let isInDoubt: Bool
    /// Where work stopped that may be resumed.
    let cursor: (any Sendable)?

    init(_ end: DirectAttempts.End<(Context, DirectEnd)>, isInDoubt: Bool, cursor: (any Sendable)? = nil) {
        self.end = end
        self.isInDoubt = isInDoubt
        self.cursor = cursor
    }
}
