// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import CanoEngine

/// How the work of a state is undone, whoever did it: read once, passed around by reference.
@usableFromInline
final class DirectUndoing: Sendable {
    /// The state.
    let state: String
    let definition: UndoDefinition
    /// Whether an undo needs no clock beside it.
    let isPlain: Bool

    /// `nil` when there is nothing to undo.
    init?(_ definition: UndoDefinition?, state: String) {
        guard let definition else { return nil }
        self.state = state
        self.definition = definition
        self.isPlain = definition.isPlain
    }
}

/// Something that was done and is undone should the run fail.
@usableFromInline
struct DirectUndo: Sendable {
    /// How its state's work is undone.
    let undoing: DirectUndoing
    /// The visit in which it was done.
    var visit: Int
    /// The work that did it.
    var path: WorkPath
    /// What undoes it.
    var code: BoundUndo
    /// Whether nobody knows what was done, or whether anything was.
    var isUnknown: Bool

    @usableFromInline
    init(
        of undoing: DirectUndoing,
        visit: Int,
        path: WorkPath,
        code: @escaping BoundUndo,
        isUnknown: Bool = false
    ) {
        self.undoing = undoing
        self.visit = visit
        self.path = path
        self.code = code
        self.isUnknown = isUnknown
    }
}
