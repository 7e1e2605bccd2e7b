// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What one of several different branches returned.
struct FixedOutput: Sendable {
    let value: any Sendable

    /// The value with its type, which the step has from the branch itself.
    func value<Value: Sendable>(of branch: String, as type: Value.Type) -> Value {
        guard let value = self.value as? Value else { fatalError("\(branch) returned something else than \(type)") }
        return value
    }
}

/// How one of several different branches is undone.
struct DirectFixedUndo: Sendable {
    let code: UndoCode
    /// Makes an undo of what the branch returned.
    let bind: @Sendable (FixedOutput) -> BoundUndo
}

/// One of several different branches, without bytes.
@usableFromInline
struct DirectFixedBranch<Context: Sendable>: Sendable {
    let run: @Sendable (Context, TaskContext) async throws -> FixedOutput
    let undo: DirectFixedUndo?

    /// A branch whose context is the workflow's, as is compared when the workflow is taken in.
    init<B: ParallelTask>(_ branch: B, _ undo: UndoCode?) {
        self.run = { context, task in
            guard let value = context as? B.Context else {
                fatalError("\(B.taskName) works on \(B.Context.self), not on \(Context.self)")
            }
            return FixedOutput(value: try await branch.run(value, task))
        }
        self.undo = undo.map { code in
            let binding = code.binding(of: B.Output.self)
            return DirectFixedUndo(code: code) { binding($0.value(of: B.taskName, as: B.Output.self)) }
        }
    }
}
