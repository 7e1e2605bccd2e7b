// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The code half of a step, with its types erased: bytes in, bytes out.
///
/// This is all that a step needs of a process, whatever its shape:
///
/// - ``task`` does one attempt of the state's own task: a task, a router, a poll, one step of a stepped task, the task
///   that gathers a split. It answers `.task`, `.route`, or `.again` when another attempt has to follow.
/// - ``expand`` makes the items of a split, and ``branch`` does the work of one; ``fixed`` are the branches of a split
///   without items.
/// - ``undo(of:)`` is how a piece of that work is undone.
struct StepCode: Sendable {
    /// What a task or a router gets.
    struct Input: Sendable {
        var context: Payload
        var branches: [BranchOutcome]?
        var arrival: Arrival?
    }

    /// One branch of a split whose branches are fixed: it sees the context.
    struct Fixed: Sendable {
        var run: @Sendable (Payload, TaskContext) async throws -> Payload
        var undo: UndoCode?
    }

    /// The code of a task or a router, or of the task that gathers a split.
    var task: (@Sendable (Input, TaskContext) async throws -> AttemptReport.Completion)?
    /// The making of a split's items.
    var expand: (@Sendable (Payload, TaskContext) async throws -> [Payload])?
    /// The work of one branch, when there is one for each item.
    var branch: (@Sendable (Payload, TaskContext) async throws -> Payload)?
    /// The branches that are fixed.
    var fixed: [Fixed] = []
    /// The undo of the state's own task.
    var undo: UndoCode?
    /// The undo of each branch.
    var branchUndo: UndoCode?
    /// Whether the worker that did the state before does this one at once.
    var isLocal = false
    /// What the branches return, in a split.
    var branchOutput: TypeIdentity?
    /// What the branches before it must return, in a task behind a join.
    var wantsBranches: TypeIdentity?
    /// What the state behind it is handed, in a wait or a child.
    var arrival: TypeIdentity?
    /// Where a wait leads whose time is up: that state is handed nothing.
    var lateState: String?
    /// What the wait or the child before it must hand over.
    var wantsArrival: TypeIdentity?
    /// What is wrong with the types and could not be told by the compiler.
    var problems: [String] = []

    init(undo: UndoCode? = nil) {
        self.undo = undo
    }

    /// How this work is undone; `nil` when there is nothing to undo.
    func undo(of path: WorkPath) -> UndoCode? {
        switch path {
        case .step: self.undo
        case .branch(let index): self.fixed.indices.contains(index) ? self.fixed[index].undo : self.branchUndo
        case .expand, .undo: nil
        }
    }
}

/// Which type something is, to compare and to name it.
struct TypeIdentity: Hashable, Sendable {
    let name: String
    private let identity: ObjectIdentifier

    init<Value>(_ type: Value.Type) {
        self.name = "\(type)"
        self.identity = ObjectIdentifier(type)
    }
}

/// The work was done, but what came out of it cannot be told.
struct UndeliverableOutcome: Error {
    let cause: any Error
}
