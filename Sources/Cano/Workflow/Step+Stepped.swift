// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Step {
    /// A task that works in steps with a durable cursor between them; then the run goes on in `next`.
    ///
    /// - Parameters:
    ///   - task: does the steps.
    ///   - retry: how often, and how patiently, each step is tried again.
    ///   - timeout: how long one attempt of a step may take; `nil` for no bound.
    ///   - within: how long all steps may take together; then the state fails with the code `deadline`. `nil` for no
    ///     bound.
    ///   - next: the state that follows.
    /// - Returns: the step.
    public static func stepped<T: SteppedTask>(
        _ task: T,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        within: Duration? = nil,
        to next: W.State
    ) -> Step where T.Context == W.Context {
        Self.make(task, retry, timeout, within, [next])
    }

    /// A task that works in steps with a durable cursor between them, and returns the state that follows: one of those
    /// named here.
    ///
    /// - Parameters:
    ///   - task: does the steps; its output is the workflow's state.
    ///   - retry: how often, and how patiently, each step is tried again.
    ///   - timeout: how long one attempt of a step may take; `nil` for no bound.
    ///   - within: how long all steps may take together; `nil` for no bound.
    ///   - first: a state that may follow.
    ///   - second: another one.
    ///   - more: further ones.
    /// - Returns: the step.
    public static func stepped<T: SteppedTask>(
        _ task: T,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        within: Duration? = nil,
        to first: W.State,
        _ second: W.State,
        _ more: W.State...
    ) -> Step where T.Context == W.Context, T.Output == W.State {
        Self.make(task, retry, timeout, within, [first, second] + more)
    }

    private static func make<T: SteppedTask>(
        _ task: T,
        _ retry: RetryPolicy,
        _ timeout: Duration?,
        _ within: Duration?,
        _ next: [W.State]
    ) -> Step where T.Context == W.Context {
        let undo = UndoCode(of: task)
        var code = StepCode(undo: undo)
        code.task = { input, context in
            var value = try input.context.decoded(as: W.Context.self, what: "the context")
            let cursor = try context.cursor?.decoded(as: T.Cursor.self, what: "the cursor")
            switch try await task.step(&value, after: cursor, context) {
            case .done(let output): return try Self.completion(input, value, output, undo)
            case .more(let cursor):
                do {
                    return .again(cursor: try Payload(encoding: cursor, what: "the cursor"), after: nil)
                } catch {
                    throw UndeliverableOutcome(cause: error)
                }
            }
        }
        let undoing = undo?.binding(of: T.Output.self)
        let direct = DirectCode<W>
            .repeated { context, turns in
                await turns.run(context) { value, cursor, attempt in
                    switch try await task.step(&value, after: cursor, attempt) {
                    case .done(let output): return .done(try DirectCode<W>.end(of: output, next, undoing))
                    case .more(let cursor): return .again(cursor, after: .zero)
                    }
                }
            }
        var run = TaskDefinition.compiled(T.taskName, retry, timeout, undo)
        run.repetition = Repetition(.stepped)
        run.within = within.map(Span.init)
        return Self(.task(run: run, to: next.map(\.rawValue)), code, direct: direct)
    }
}
