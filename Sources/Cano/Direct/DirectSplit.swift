// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// What a split has in common in all runs without a store: read once, passed around by reference.
@usableFromInline
final class DirectSplit: Sendable {
    /// The state, by its number and its name.
    let state: Int
    @usableFromInline let name: String
    let join: JoinPolicy
    let losers: SplitDefinition.Losers
    let expand: TaskDefinition
    let branch: TaskDefinition
    /// Whether an attempt needs no clock beside it.
    @usableFromInline let isPlain: Bool
    let failures: WorkFailures

    /// `nil` for a state that is no split of items.
    init?(_ step: StepDefinition, state: Int, name: String, failures: WorkFailures) {
        guard case .split(let split, _) = step, case .each(let expand, let branch) = split.work else { return nil }
        self.state = state
        self.name = name
        self.join = split.join
        self.losers = split.losers
        self.expand = expand
        self.branch = branch
        self.isPlain = branch.timeout == nil
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

    func undo(_ branch: Int, visit: Int, _ code: @escaping UndoCode.Bound) -> DirectUndo {
        DirectUndo(state: self.state, visit: visit, path: .branch(branch), code: code)
    }
}
