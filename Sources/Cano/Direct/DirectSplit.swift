// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// What a split has in common in all runs without a store: read once, passed around by reference.
@usableFromInline
final class DirectSplit: Sendable {
    /// The state.
    @usableFromInline let name: String
    let join: JoinPolicy
    let losers: SplitDefinition.Losers
    let expand: TaskDefinition
    let branch: TaskDefinition
    /// Whether an attempt needs no clock beside it.
    @usableFromInline let isPlain: Bool
    /// The same for the making of items.
    @usableFromInline let isExpandPlain: Bool
    /// How a branch is undone; `nil` when there is nothing to undo.
    let undoing: DirectUndoing?
    let failures: WorkFailures

    /// `nil` for a state that is no split of items.
    init?(_ step: StepDefinition, _ undoing: DirectUndoing?, name: String, failures: WorkFailures) {
        guard case .split(let split, _) = step, case .each(let expand, let branch) = split.work else { return nil }
        self.undoing = undoing
        self.name = name
        self.join = split.join
        self.losers = split.losers
        self.expand = expand
        self.branch = branch
        self.isPlain = branch.timeout == nil
        self.isExpandPlain = expand.timeout == nil
        self.failures = failures
    }

    func attempts(at task: TaskDefinition, seed: UInt64) -> DirectAttempts {
        DirectAttempts(
            retry: task.retry,
            timeout: task.timeout,
            isUndoable: task.undo != nil,
            failures: self.failures,
            seed: seed
        )
    }

    /// Throws when a split made too many items.
    @usableFromInline
    func check(_ items: Int) throws {
        guard let failure = self.failures.tooMany(items, of: self.name) else { return }
        throw RefusedOutcome(failure: failure)
    }

    func undo(_ branch: Int, visit: Int, _ code: @escaping BoundUndo, isUnknown: Bool = false) -> DirectUndo {
        guard let undoing = self.undoing else { fatalError("a branch pushed an undo that its state does not have") }
        return DirectUndo(of: undoing, visit: visit, path: .branch(branch), code: code, isUnknown: isUnknown)
    }
}
