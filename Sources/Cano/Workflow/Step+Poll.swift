// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Step {
    /// A task that asks whether something is ready; then the run goes on in `next`.
    ///
    /// - Parameters:
    ///   - task: asks.
    ///   - pause: how long the run waits between two questions, after errors too, unless the task says otherwise.
    ///   - within: how long it may take until it is ready; then the step fails with the code `deadline`. `nil` for no
    ///     bound.
    ///   - errors: how many failed questions it puts up with (default: four in a row).
    ///   - timeout: how long one question may take; `nil` for no bound.
    ///   - next: the state that follows.
    /// - Returns: the step.
    public static func poll<T: PollTask>(
        _ task: T,
        every pause: Duration,
        within: Duration? = nil,
        errors: PollErrors = .consecutive(4),
        timeout: Duration? = nil,
        to next: W.State
    ) -> Step where T.Context == W.Context {
        Self.make(task, Polling(pause: pause, within: within, errors: errors, timeout: timeout), [next])
    }

    /// A task that asks whether something is ready, and then returns the state that follows: one of those named here.
    ///
    /// - Parameters:
    ///   - task: asks; its output is the workflow's state.
    ///   - pause: how long the run waits between two questions, after errors too, unless the task says otherwise.
    ///   - within: how long it may take until it is ready; `nil` for no bound.
    ///   - errors: how many failed questions it puts up with (default: four in a row).
    ///   - timeout: how long one question may take; `nil` for no bound.
    ///   - first: a state that may follow.
    ///   - second: another one.
    ///   - more: further ones.
    /// - Returns: the step.
    public static func poll<T: PollTask>(
        _ task: T,
        every pause: Duration,
        within: Duration? = nil,
        errors: PollErrors = .consecutive(4),
        timeout: Duration? = nil,
        to first: W.State,
        _ second: W.State,
        _ more: W.State...
    ) -> Step where T.Context == W.Context, T.Output == W.State {
        let polling = Polling(pause: pause, within: within, errors: errors, timeout: timeout)
        return Self.make(task, polling, [first, second] + more)
    }

    private struct Polling {
        var pause: Duration
        var within: Duration?
        var errors: PollErrors
        var timeout: Duration?
    }

    private static func make<T: PollTask>(_ task: T, _ polling: Polling, _ next: [W.State]) -> Step
    where T.Context == W.Context {
        let undo = UndoCode(of: task)
        var code = StepCode(undo: undo)
        code.task = { input, context in
            var value = try input.context.decoded(as: W.Context.self, what: "the context")
            switch try await task.poll(&value, context) {
            case .ready(let output): return try Self.completion(input, value, output, undo)
            case .pending(let after): return .again(cursor: nil, after: after.map(Span.init))
            }
        }
        let undoing = undo?.binding(of: T.Output.self)
        let direct = DirectCode<W>
            .repeated { context, turns in
                await turns.run(context) { (value, _: Never?, attempt) in
                    switch try await task.poll(&value, attempt) {
                    case .ready(let output): return .done(try DirectCode<W>.end(of: output, next, undoing))
                    case .pending(let after): return .again(nil, after: after)
                    }
                }
            }
        var run = TaskDefinition.compiled(T.taskName, polling.errors.retry(every: polling.pause), polling.timeout, undo)
        run.repetition = Repetition(.poll, pause: Span(polling.pause), errorBudget: polling.errors.budget)
        run.within = polling.within.map(Span.init)
        return Self(.task(run: run, to: next.map(\.rawValue)), code, direct: direct)
    }
}
