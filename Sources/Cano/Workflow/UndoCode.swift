// SPDX-License-Identifier: Apache-2.0 OR MIT

/// An undo that knows what it undoes.
@usableFromInline typealias BoundUndo = @Sendable (TaskContext) async throws -> Void

/// The undo of a compensatable task, with its types erased.
///
/// It is made where the task's type is known, so that what happens in every run is compiled for it.
@usableFromInline
struct UndoCode: Sendable {
    /// Makes an undo of what a task returned.
    ///
    /// No bare function: one that is cast is wrapped, and so is what it returns, for every call.
    @usableFromInline
    struct Binding<Output>: Sendable {
        @usableFromInline let make: @Sendable (Output) -> BoundUndo

        @inlinable
        init(_ make: @escaping @Sendable (Output) -> BoundUndo) {
            self.make = make
        }

        @inlinable
        func callAsFunction(_ output: Output) -> BoundUndo { self.make(output) }
    }

    /// The undo as data.
    @usableFromInline let definition: UndoDefinition
    /// The undo of an attempt whose outcome nobody knows.
    @usableFromInline let unknown: BoundUndo
    /// A ``Binding`` for the type that the task returns.
    @usableFromInline let anyBinding: any Sendable
    private let encodeOutput: @Sendable (Any) throws -> Payload
    private let undo: @Sendable (Payload?, TaskContext) async throws -> Void

    /// `nil` when the task is not ``Compensatable``.
    ///
    /// The conformance is looked up when the workflow is registered, so that no generic helper of the user's can lose
    /// it on the way.
    @inlinable
    init?(of task: some Sendable) {
        guard let compensatable = task as? any Compensatable else { return nil }
        self.init(compensatable)
    }

    @inlinable
    init<Task: Compensatable>(_ task: Task) {
        let binding = Binding<Task.Output> { output in { try await task.undo(output, $0) } }
        self.init(task, binding, unknown: { try await task.undo(nil, $0) })
    }

    @usableFromInline
    init<Task: Compensatable>(_ task: Task, _ binding: any Sendable, unknown: @escaping BoundUndo) {
        let policy = task.undoPolicy
        self.definition = UndoDefinition(
            retry: policy.retry,
            timeout: policy.timeout.map(Span.init),
            coversUnknown: policy.coversUnknown
        )
        self.anyBinding = binding
        self.unknown = unknown
        self.encodeOutput = { output in
            guard let output = output as? Task.Output else {
                throw CanoError(.invalidDefinition, "\(Task.self) returns \(type(of: output)), not \(Task.Output.self)")
            }
            return try Payload(encoding: output, what: "the output")
        }
        self.undo = { payload, context in
            let output = try payload.map { try $0.decoded(as: Task.Output.self, what: "the output") }
            try await task.undo(output, context)
        }
    }

    /// What undoes the work of a task that returns this type: asked for once, used for every run.
    @inlinable
    func binding<Output>(of type: Output.Type) -> Binding<Output> {
        guard let binding = self.anyBinding as? Binding<Output> else {
            fatalError("the undo of a task that returns \(type) wants something else")
        }
        return binding
    }

    func encode(_ output: Any) throws -> Payload {
        try self.encodeOutput(output)
    }

    func run(_ output: Payload?, _ context: TaskContext) async throws {
        try await self.undo(output, context)
    }
}
