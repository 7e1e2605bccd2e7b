// SPDX-License-Identifier: Apache-2.0 OR MIT

// MARK: Waits

extension Step {
    /// The run waits for a signal; then it goes on in `next`, whose task sees what the signal says.
    ///
    /// A signal that came before the wait is kept and ends it at once. Nothing runs meanwhile: who waits is a row.
    ///
    /// - Parameters:
    ///   - signal: the signal.
    ///   - time: how long to wait; `nil` for no bound.
    ///   - late: where the run goes when the time is up; `nil`: it fails with the code `signalTimeout`.
    ///   - next: the state that follows.
    /// - Returns: the step.
    public static func wait<Payload>(
        for signal: Signal<Payload>,
        within time: Duration? = nil,
        timeoutTo late: W.State? = nil,
        to next: W.State
    ) -> Step {
        var code = StepCode()
        code.arrival = TypeIdentity(Payload.self)
        code.lateState = late?.rawValue
        let wait = WaitDefinition(signal: signal.name, within: time.map(Span.init), timeoutTo: late?.rawValue)
        return Self(.wait(wait, to: next.rawValue), code)
    }

    /// A task behind a wait, which sees what the signal says; then the run goes on in `next`.
    ///
    /// - Parameters:
    ///   - task: the work; the states before it must wait for a signal of its `Payload`.
    ///   - retry: how often, and how patiently, it is tried again.
    ///   - timeout: how long one attempt may take; `nil` for no bound.
    ///   - next: the state that follows.
    /// - Returns: the step.
    public static func task<T: SignalTask>(
        _ task: T,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        to next: W.State
    ) -> Step where T.Context == W.Context {
        Self.make(task, retry, timeout, [next])
    }

    /// A task behind a wait that returns the state that follows: one of those named here.
    ///
    /// - Parameters:
    ///   - task: the work; its output is the workflow's state.
    ///   - retry: how often, and how patiently, it is tried again.
    ///   - timeout: how long one attempt may take; `nil` for no bound.
    ///   - first: a state that may follow.
    ///   - second: another one.
    ///   - more: further ones.
    /// - Returns: the step.
    public static func task<T: SignalTask>(
        _ task: T,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        to first: W.State,
        _ second: W.State,
        _ more: W.State...
    ) -> Step where T.Context == W.Context, T.Output == W.State {
        Self.make(task, retry, timeout, [first, second] + more)
    }

    private static func make<T: SignalTask>(
        _ task: T,
        _ retry: RetryPolicy,
        _ timeout: Duration?,
        _ next: [W.State]
    ) -> Step where T.Context == W.Context {
        let undo = UndoCode(of: task)
        var code = StepCode(undo: undo)
        code.wantsArrival = TypeIdentity(T.Payload.self)
        code.task = { input, context in
            guard case .signal(let signal) = input.arrival else { throw Self.nothingArrived("a signal", context) }
            var value = try input.context.decoded(as: W.Context.self, what: "the context")
            let payload = try signal.payload.decoded(as: T.Payload.self, what: "the signal '\(signal.name)'")
            let output = try await task.run(&value, payload, context)
            return try Self.completion(input, value, output, undo)
        }
        return Self(.task(run: .compiled(T.taskName, retry, timeout, undo), to: next.map(\.rawValue)), code)
    }

    private static func nothingArrived(_ what: String, _ task: TaskContext) -> TaskFailure {
        .permanent("state '\(task.state)' was reached without \(what): update the coordinator or raise the version")
    }
}

// MARK: Children

extension Step {
    /// The run starts a run of another workflow and waits for its end; then it goes on in `next`, whose task sees how
    /// the child ended.
    ///
    /// - Parameters:
    ///   - workflow: the child's workflow; its version is the one that this process has.
    ///   - policy: what becomes of the child when this run is cancelled or out of time before it ends.
    ///   - retry: how often, and how patiently, the making of the child's context is tried again.
    ///   - next: the state that follows.
    ///   - context: makes the child's context.
    /// - Returns: the step.
    public static func child<Child: Workflow>(
        _ workflow: Child.Type,
        onParentEnd policy: ChildDefinition.ParentEnd = .cancel,
        retry: RetryPolicy = RetryPolicy(),
        to next: W.State,
        context: @escaping @Sendable (W.Context) async throws -> Child.Context
    ) -> Step {
        var code = StepCode()
        code.arrival = TypeIdentity(ChildOutcome<Child.Context>.self)
        code.expand = { payload, _ in
            let value = try payload.decoded(as: W.Context.self, what: "the context")
            return [try Payload(encoding: try await context(value), what: "the child's context")]
        }
        let child = ChildDefinition(
            input: .compiled("context of \(Child.name)", retry, nil, nil),
            workflow: Child.name,
            version: Child.version,
            onParentEnd: policy
        )
        return Self(.child(child, to: next.rawValue), code)
    }

    /// A task behind a child run, which sees how the child ended; then the run goes on in `next`.
    ///
    /// - Parameters:
    ///   - task: the work; the states before it must start children with its `ChildContext`.
    ///   - retry: how often, and how patiently, it is tried again.
    ///   - timeout: how long one attempt may take; `nil` for no bound.
    ///   - next: the state that follows.
    /// - Returns: the step.
    public static func task<T: ChildTask>(
        _ task: T,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        to next: W.State
    ) -> Step where T.Context == W.Context {
        Self.make(task, retry, timeout, [next])
    }

    /// A task behind a child run that returns the state that follows: one of those named here.
    ///
    /// - Parameters:
    ///   - task: the work; its output is the workflow's state.
    ///   - retry: how often, and how patiently, it is tried again.
    ///   - timeout: how long one attempt may take; `nil` for no bound.
    ///   - first: a state that may follow.
    ///   - second: another one.
    ///   - more: further ones.
    /// - Returns: the step.
    public static func task<T: ChildTask>(
        _ task: T,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        to first: W.State,
        _ second: W.State,
        _ more: W.State...
    ) -> Step where T.Context == W.Context, T.Output == W.State {
        Self.make(task, retry, timeout, [first, second] + more)
    }

    private static func make<T: ChildTask>(
        _ task: T,
        _ retry: RetryPolicy,
        _ timeout: Duration?,
        _ next: [W.State]
    ) -> Step where T.Context == W.Context {
        let undo = UndoCode(of: task)
        var code = StepCode(undo: undo)
        code.wantsArrival = TypeIdentity(ChildOutcome<T.ChildContext>.self)
        code.task = { input, context in
            guard case .child(let result) = input.arrival else { throw Self.nothingArrived("a child", context) }
            var value = try input.context.decoded(as: W.Context.self, what: "the context")
            // The context of a child that failed may be of a state before anything was filled in: it is still JSON.
            let end = try result.context.map {
                try $0.decoded(as: T.ChildContext.self, what: "the context of the child \(result.run)")
            }
            let child = ChildOutcome(run: result.run, outcome: result.outcome, context: end)
            let output = try await task.run(&value, child, context)
            return try Self.completion(input, value, output, undo)
        }
        return Self(.task(run: .compiled(T.taskName, retry, timeout, undo), to: next.map(\.rawValue)), code)
    }
}
