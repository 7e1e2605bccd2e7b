// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Step {
    /// A task that works on a stream, window by window; at its end the run goes on in `next`.
    ///
    /// - Parameters:
    ///   - task: the work.
    ///   - window: when a window is flushed.
    ///   - errors: what becomes of items that cannot be worked on.
    ///   - itemTimeout: how long the work on one item may take (`nil`: no bound of its own); an item that takes longer
    ///     is cancelled and counts as one that cannot be worked on, with the code `timeout`.
    ///   - retry: how often, and how patiently, a failed attempt is followed by another one; each durable window begins
    ///     the count anew.
    ///   - next: the state that follows.
    /// - Returns: the step.
    public static func stream<T: StreamTask>(
        _ task: T,
        window: StreamWindow = .count(1),
        errors: StreamErrors = .fail,
        itemTimeout: Duration? = nil,
        retry: RetryPolicy = RetryPolicy(),
        to next: W.State
    ) -> Step where T.Context == W.Context {
        Self.make(task, StreamRules(window: window, errors: errors, itemTimeout: itemTimeout), retry, [next])
    }

    /// A task that works on a stream, window by window, and at its end returns the state that follows: one of those
    /// named here.
    ///
    /// - Parameters:
    ///   - task: the work; its output is the workflow's state.
    ///   - window: when a window is flushed.
    ///   - errors: what becomes of items that cannot be worked on.
    ///   - itemTimeout: how long the work on one item may take (`nil`: no bound of its own); an item that takes longer
    ///     is cancelled and counts as one that cannot be worked on, with the code `timeout`.
    ///   - retry: how often, and how patiently, a failed attempt is followed by another one.
    ///   - first: a state that may follow.
    ///   - second: another one.
    ///   - more: further ones.
    /// - Returns: the step.
    public static func stream<T: StreamTask>(
        _ task: T,
        window: StreamWindow = .count(1),
        errors: StreamErrors = .fail,
        itemTimeout: Duration? = nil,
        retry: RetryPolicy = RetryPolicy(),
        to first: W.State,
        _ second: W.State,
        _ more: W.State...
    ) -> Step where T.Context == W.Context, T.Output == W.State {
        let rules = StreamRules(window: window, errors: errors, itemTimeout: itemTimeout)
        return Self.make(task, rules, retry, [first, second] + more)
    }

    private static func make<T: StreamTask>(
        _ task: T,
        _ rules: StreamRules,
        _ retry: RetryPolicy,
        _ next: [W.State]
    ) -> Step where T.Context == W.Context {
        let undo = UndoCode(of: task)
        var code = StepCode(undo: undo)
        code.task = { input, attempt in
            var value = try input.context.decoded(as: W.Context.self, what: "the context")
            let cursor = try attempt.cursor?.decoded(as: T.Cursor.self, what: "the cursor")
            let source = try await task.open(value, after: cursor, attempt)
            let reading = StreamReading(task: task, rules: rules, attempt: attempt)
            switch try await reading.run(source) {
            case .ended(let end):
                let output = try await task.close(&value, end, attempt)
                return try Self.completion(input, value, output, undo)
            case .interrupted(let cursor): return .again(cursor: cursor, after: nil)
            }
        }
        var run = TaskDefinition.compiled(T.taskName, retry, nil, undo)
        run.repetition = Repetition(.stream)
        return Self(.task(run: run, to: next.map(\.rawValue)), code)
    }
}
