// SPDX-License-Identifier: Apache-2.0 OR MIT

/// How a state runs, and which states may come next.
///
/// Steps are made with `task(_:retry:timeout:to:)` and its relatives. A step has two halves: data, which becomes
/// part of the `Definition`, and code, which stays in the processes that run tasks.
public struct Step<W: Workflow>: Sendable {
    var definition: StepDefinition
    var code: StepCode
    /// The same code with its types, for runs without a store.
    let direct: DirectCode<W>

    init(_ definition: StepDefinition, _ code: StepCode = StepCode(), direct: DirectCode<W> = .none) {
        self.definition = definition
        self.code = code
        self.direct = direct
    }
}

// MARK: - Tasks

extension Step {
    /// A task that changes the context; then the run goes on in `next`.
    ///
    /// - Parameters:
    ///   - task: the work.
    ///   - retry: how often, and how patiently, it is tried again.
    ///   - timeout: how long one attempt may take; `nil` for no bound.
    ///   - limits: what must allow an attempt before it begins.
    ///   - next: the state that follows.
    /// - Returns: the step.
    @inlinable
    public static func task<T: ContextTask>(
        _ task: T,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        limits: [DeclaredLimit] = [],
        to next: W.State
    ) -> Step where T.Context == W.Context {
        let undo = UndoCode(of: task)
        return Self.make(task, AttemptPolicies(retry, timeout, limits), [next], undo, .task(task, [next], undo))
    }

    /// A task that changes the context and returns the state that follows: one of those named here.
    ///
    /// - Parameters:
    ///   - task: the work; its output is the workflow's state.
    ///   - retry: how often, and how patiently, it is tried again.
    ///   - timeout: how long one attempt may take; `nil` for no bound.
    ///   - limits: what must allow an attempt before it begins.
    ///   - first: a state that may follow.
    ///   - second: another one.
    ///   - more: further ones.
    /// - Returns: the step.
    @inlinable
    public static func task<T: ContextTask>(
        _ task: T,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        limits: [DeclaredLimit] = [],
        to first: W.State,
        _ second: W.State,
        _ more: W.State...
    ) -> Step where T.Context == W.Context, T.Output == W.State {
        let (undo, next) = (UndoCode(of: task), [first, second] + more)
        return Self.make(task, AttemptPolicies(retry, timeout, limits), next, undo, .task(task, next, undo))
    }

    /// A task behind a join, which sees the result of every branch; then the run goes on in `next`.
    ///
    /// - Parameters:
    ///   - task: the work; the states before it must be splits whose branches return its `BranchOutput`.
    ///   - retry: how often, and how patiently, it is tried again.
    ///   - timeout: how long one attempt may take; `nil` for no bound.
    ///   - limits: what must allow an attempt before it begins.
    ///   - next: the state that follows.
    /// - Returns: the step.
    @inlinable
    public static func task<T: JoinTask>(
        _ task: T,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        limits: [DeclaredLimit] = [],
        to next: W.State
    ) -> Step where T.Context == W.Context {
        let undo = UndoCode(of: task)
        return Self.make(task, AttemptPolicies(retry, timeout, limits), [next], undo, .task(task, [next], undo))
    }

    /// A task behind a join that returns the state that follows: one of those named here.
    ///
    /// - Parameters:
    ///   - task: the work; its output is the workflow's state.
    ///   - retry: how often, and how patiently, it is tried again.
    ///   - timeout: how long one attempt may take; `nil` for no bound.
    ///   - limits: what must allow an attempt before it begins.
    ///   - first: a state that may follow.
    ///   - second: another one.
    ///   - more: further ones.
    /// - Returns: the step.
    @inlinable
    public static func task<T: JoinTask>(
        _ task: T,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        limits: [DeclaredLimit] = [],
        to first: W.State,
        _ second: W.State,
        _ more: W.State...
    ) -> Step where T.Context == W.Context, T.Output == W.State {
        let (undo, next) = (UndoCode(of: task), [first, second] + more)
        return Self.make(task, AttemptPolicies(retry, timeout, limits), next, undo, .task(task, next, undo))
    }

    @usableFromInline
    static func make<T: ContextTask>(
        _ task: T,
        _ policies: AttemptPolicies,
        _ next: [W.State],
        _ undo: UndoCode?,
        _ direct: DirectCode<W>
    ) -> Step where T.Context == W.Context {
        var code = StepCode(undo: undo)
        code.task = { input, context in
            var value = try input.context.decoded(as: W.Context.self, what: "the context")
            let output = try await task.run(&value, context)
            return try Self.completion(input, value, output, undo)
        }
        let definition = TaskDefinition.compiled(T.taskName, policies, undo)
        return Self(.task(run: definition, to: next.map(\.rawValue)), code, direct: direct)
    }

    @usableFromInline
    static func make<T: JoinTask>(
        _ task: T,
        _ policies: AttemptPolicies,
        _ next: [W.State],
        _ undo: UndoCode?,
        _ direct: DirectCode<W>
    ) -> Step where T.Context == W.Context {
        var code = StepCode(undo: undo)
        code.wantsBranches = TypeIdentity(T.BranchOutput.self)
        code.task = { input, context in
            var value = try input.context.decoded(as: W.Context.self, what: "the context")
            let branches = try (input.branches ?? []).map { try BranchResult<T.BranchOutput>($0) }
            let output = try await task.run(&value, branches, context)
            return try Self.completion(input, value, output, undo)
        }
        let definition = TaskDefinition.compiled(T.taskName, policies, undo)
        return Self(.task(run: definition, to: next.map(\.rawValue)), code, direct: direct)
    }

    static func completion<Output>(
        _ input: StepCode.Input,
        _ value: W.Context,
        _ output: Output,
        _ undo: UndoCode?
    ) throws -> AttemptReport.Completion {
        do {
            let after = try Payload(encoding: value, what: "the context")
            return .task(
                context: after == input.context ? nil : after,
                next: (output as? W.State)?.rawValue,
                output: try undo?.encode(output)
            )
        } catch {
            throw UndeliverableOutcome(cause: error)
        }
    }
}

// MARK: - Routers, exits

extension Step {
    /// A task that reads the context and decides which state follows.
    ///
    /// - Parameters:
    ///   - task: what decides.
    ///   - retry: how often, and how patiently, it is tried again.
    ///   - timeout: how long one attempt may take; `nil` for no bound.
    ///   - next: the states that may follow.
    /// - Returns: the step.
    @inlinable
    public static func router<T: RouterTask>(
        _ task: T,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        to next: W.State...
    ) -> Step where T.Context == W.Context, T.State == W.State {
        let direct = DirectCode<W>.router(next) { try await task.route($0, $1) }
        return Self.make(T.taskName, AttemptPolicies(retry, timeout), next, UndoCode(of: task), direct) {
            try await task.route($0, $1)
        }
    }

    /// A closure that reads the context and decides which state follows.
    ///
    /// - Parameters:
    ///   - next: the states that may follow.
    ///   - decide: what decides.
    /// - Returns: the step.
    @inlinable
    public static func router(
        to next: W.State...,
        by decide: @escaping @Sendable (W.Context) async throws -> W.State
    ) -> Step {
        let direct = DirectCode<W>.router(next) { context, _ in try await decide(context) }
        return Self.make("router", AttemptPolicies(), next, nil, direct) { context, _ in try await decide(context) }
    }

    /// The run ends here, with success.
    public static var exit: Step { Self.exit(.success) }

    /// The run ends here, with success or with failure; behind a failure, what was done is undone.
    ///
    /// - Parameter result: how the run ends.
    /// - Returns: the step.
    public static func exit(_ result: ExitDefinition) -> Step {
        Self(.exit(result))
    }

    @usableFromInline
    static func make(
        _ name: String,
        _ policies: AttemptPolicies,
        _ next: [W.State],
        _ undo: UndoCode?,
        _ direct: DirectCode<W>,
        _ decide: @escaping @Sendable (W.Context, TaskContext) async throws -> W.State
    ) -> Step {
        var code = StepCode()
        code.isLocal = true
        if undo != nil { code.problems.append("\(name) only decides and has nothing to undo: remove Compensatable") }
        code.task = { input, context in
            let value = try input.context.decoded(as: W.Context.self, what: "the context")
            return .route(next: try await decide(value, context).rawValue)
        }
        let definition = TaskDefinition.compiled(name, policies, nil)
        return Self(.router(run: definition, to: next.map(\.rawValue)), code, direct: direct)
    }
}

extension TaskDefinition {
    /// Code that is compiled into the process.
    @usableFromInline
    static func compiled(
        _ name: String,
        _ retry: RetryPolicy,
        _ timeout: Duration?,
        _ undo: UndoCode?
    ) -> TaskDefinition {
        .compiled(name, AttemptPolicies(retry, timeout), undo)
    }

    @usableFromInline
    static func compiled(
        _ name: String,
        _ policies: AttemptPolicies,
        _ undo: UndoCode?
    ) -> TaskDefinition {
        TaskDefinition(
            handler: Self.compiledHandler,
            name: name,
            retry: policies.retry,
            timeout: policies.timeout.map(Span.init),
            undo: undo?.definition,
            limits: policies.limits.isEmpty ? nil : policies.limits
        )
    }
}
