// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// What a split has in common in all runs without a store: read once, passed around by reference.
@usableFromInline
final class DirectSplit: Sendable {
    /// The state.
    @usableFromInline let name: String
    let join: JoinPolicy
    let losers: SplitDefinition.Losers
    /// How many branches may run at once; `nil` for any number.
    @usableFromInline let inFlight: Int?
    /// What makes the items; `nil` when the branches are fixed.
    let expand: TaskDefinition?
    /// The branches that are fixed, or the one that all items have in common.
    let branches: [TaskDefinition]
    /// Whether an attempt needs no clock beside it.
    @usableFromInline let isPlain: Bool
    /// The same for the making of items.
    @usableFromInline let isExpandPlain: Bool
    /// How the branches are undone; `nil` where there is nothing to undo.
    private let undoings: [DirectUndoing?]
    let failures: WorkFailures

    /// `nil` for a state that is no split.
    init?(_ step: StepDefinition, name: String, failures: WorkFailures) {
        guard case .split(let split, _) = step else { return nil }
        switch split.work {
        case .each(let expand, let branch): (self.expand, self.branches) = (expand, [branch])
        case .fixed(let branches): (self.expand, self.branches) = (nil, branches)
        }
        self.undoings = self.branches.map { DirectUndoing($0.undo, state: name) }
        self.name = name
        self.join = split.join
        self.losers = split.losers
        self.inFlight = split.inFlight
        self.isPlain = self.branches.allSatisfy(\.isPlain)
        self.isExpandPlain = self.expand?.isPlain ?? true
        self.failures = failures
    }

    /// What a branch does.
    func task(of branch: Int) -> TaskDefinition { self.branches[self.place(of: branch)] }

    /// Where the branch is among those that are defined.
    private func place(of branch: Int) -> Int { self.expand == nil ? branch : 0 }

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
        guard let undoing = self.undoings[self.place(of: branch)] else {
            fatalError("a branch pushed an undo that its state does not have")
        }
        return DirectUndo(of: undoing, visit: visit, path: .branch(branch), code: code, isUnknown: isUnknown)
    }
}
