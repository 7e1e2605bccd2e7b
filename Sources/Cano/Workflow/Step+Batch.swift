// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Step {
    /// A task that loads a list, processes each element as a branch of its own, and finishes with all results in the
    /// order of the list; then the run goes on in `next`.
    ///
    /// - Parameters:
    ///   - task: loads, processes, finishes.
    ///   - inFlight: how many elements may be in process at once; `nil` for no bound.
    ///   - join: when it finishes; by default when every element has ended, whatever came of it.
    ///   - retry: how often, and how patiently, each element is tried again, and loading and finishing are.
    ///   - timeout: how long one attempt of any of them may take; `nil` for no bound.
    ///   - next: the state that follows.
    /// - Returns: the step.
    public static func batch<T: BatchTask>(
        _ task: T,
        inFlight: Int? = nil,
        join: JoinPolicy = .partial(atLeast: 0),
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        to next: W.State
    ) -> Step where T.Context == W.Context {
        Self.make(task, Batching(inFlight: inFlight, join: join, retry: retry, timeout: timeout), [next])
    }

    /// A task that loads a list, processes each element as a branch of its own, and finishes by returning the state
    /// that follows: one of those named here.
    ///
    /// - Parameters:
    ///   - task: loads, processes, finishes; its output is the workflow's state.
    ///   - inFlight: how many elements may be in process at once; `nil` for no bound.
    ///   - join: when it finishes; by default when every element has ended, whatever came of it.
    ///   - retry: how often, and how patiently, each element is tried again, and loading and finishing are.
    ///   - timeout: how long one attempt of any of them may take; `nil` for no bound.
    ///   - first: a state that may follow.
    ///   - second: another one.
    ///   - more: further ones.
    /// - Returns: the step.
    public static func batch<T: BatchTask>(
        _ task: T,
        inFlight: Int? = nil,
        join: JoinPolicy = .partial(atLeast: 0),
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        to first: W.State,
        _ second: W.State,
        _ more: W.State...
    ) -> Step where T.Context == W.Context, T.Output == W.State {
        let batching = Batching(inFlight: inFlight, join: join, retry: retry, timeout: timeout)
        return Self.make(task, batching, [first, second] + more)
    }

    private struct Batching {
        var inFlight: Int?
        var join: JoinPolicy
        var retry: RetryPolicy
        var timeout: Duration?
    }

    private static func make<T: BatchTask>(_ task: T, _ batching: Batching, _ next: [W.State]) -> Step
    where T.Context == W.Context {
        let undo = UndoCode(of: task)
        var code = StepCode(undo: undo)
        code.expand = { context, attempt in
            let value = try context.decoded(as: W.Context.self, what: "the context")
            return try await task.load(value, attempt).map { try Payload(encoding: $0, what: "an item") }
        }
        code.branch = { item, attempt in
            let output = try await task.process(try item.decoded(as: T.Item.self, what: "the item"), attempt)
            do {
                return try Payload(encoding: output, what: "the item's output")
            } catch {
                throw UndeliverableOutcome(cause: error)
            }
        }
        code.task = { input, attempt in
            var value = try input.context.decoded(as: W.Context.self, what: "the context")
            let results = try (input.branches ?? []).map { try BranchResult<T.ItemOutput>($0) }
            let output = try await task.finish(&value, results, attempt)
            return try Self.completion(input, value, output, undo)
        }
        let undoing = undo?.binding(of: T.Output.self)
        let direct = DirectCode<W>
            .gathered(
                { context, split in
                    await split.run(
                        items: { try await task.load(context, $0) },
                        undo: nil,
                        branch: { try await task.process($0, $1) }
                    )
                },
                { value, joined, attempt in
                    let results = joined?.results(of: T.ItemOutput.self) ?? []
                    return try DirectCode<W>.end(of: try await task.finish(&value, results, attempt), next, undoing)
                }
            )
        let definition = SplitDefinition(
            .each(
                expand: .compiled("\(T.taskName).load", batching.retry, batching.timeout, nil),
                branch: .compiled("\(T.taskName).process", batching.retry, batching.timeout, nil)
            ),
            join: batching.join,
            inFlight: batching.inFlight,
            gather: .compiled("\(T.taskName).finish", batching.retry, batching.timeout, undo),
            choices: next.dropFirst().map(\.rawValue)
        )
        return Self(.split(definition, to: next[0].rawValue), code, direct: direct)
    }
}
