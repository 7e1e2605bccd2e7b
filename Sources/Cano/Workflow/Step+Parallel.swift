// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Step {
    /// Different tasks run beside each other, each on any worker; what they return is merged into the context, and the
    /// run goes on in `next`.
    ///
    /// ```swift
    /// case .quote:
    ///     .parallel(FetchPrice(), FetchStock(), to: .offer) { context, results in
    ///         let (price, stock) = results.values
    ///         context.price = price.value
    ///         context.isInStock = stock.value ?? 0 > 0
    ///     }
    /// ```
    ///
    /// - Parameters:
    ///   - branch: two tasks or more, all of the workflow's context; the merging gets their results in this order, with
    ///     their types.
    ///   - join: when the run goes on.
    ///   - retry: how often, and how patiently, each task is tried again.
    ///   - timeout: how long one attempt of a task may take; `nil` for no bound.
    ///   - losers: what becomes of tasks that succeed after the join was decided without them.
    ///   - next: the state that follows.
    ///   - merge: changes the context by what came out of the tasks.
    /// - Returns: the step.
    public static func parallel<each B: ParallelTask>(
        _ branch: repeat each B,
        join: JoinPolicy = .all,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        losers: SplitDefinition.Losers = .undo,
        to next: W.State,
        merge: @escaping @Sendable (inout W.Context, ParallelResults<repeat (each B).Output>) async throws -> Void
    ) -> Step {
        var code = StepCode()
        var tasks: [TaskDefinition] = []
        var branches: [DirectFixedBranch<W.Context>] = []
        for (fixed, branch, task, problem) in repeat Self.fixed(each branch, retry, timeout) {
            code.fixed.append(fixed)
            branches.append(branch)
            tasks.append(task)
            if let problem { code.problems.append(problem) }
        }
        code.task = { input, _ in
            var value = try input.context.decoded(as: W.Context.self, what: "the context")
            var outcomes = ArraySlice(input.branches ?? [])
            let results = ParallelResults(repeat try Self.result(of: (each B).self, &outcomes))
            try await merge(&value, results)
            return try Self.completion(input, value, (), nil)
        }
        let fixed = branches
        let direct = DirectCode<W>
            .gathered(
                { context, split in await split.run(context, fixed) },
                { value, joined, _ in
                    var outcomes = ArraySlice(joined?.results(of: FixedOutput.self) ?? [])
                    try await merge(&value, ParallelResults(repeat try Self.result(of: (each B).self, &outcomes)))
                    return DirectEnd(next: 0)
                }
            )
        let definition = SplitDefinition(
            .fixed(tasks),
            join: join,
            losers: losers,
            gather: .compiled("merge", retry, timeout, nil)
        )
        return Self(.split(definition, to: next.rawValue), code, direct: direct)
    }

    private static func fixed<B: ParallelTask>(
        _ branch: B,
        _ retry: RetryPolicy,
        _ timeout: Duration?
    ) -> (StepCode.Fixed, DirectFixedBranch<W.Context>, TaskDefinition, problem: String?) {
        let undo = UndoCode(of: branch)
        // The compiler cannot demand the same context of each of a pack's types yet.
        let problem =
            "\(B.taskName) works on \(B.Context.self), not on \(W.Context.self): give it the workflow's context"
        let code = StepCode.Fixed(
            run: { context, task in
                let value = try context.decoded(as: W.Context.self, what: "the context")
                guard let value = value as? B.Context else { throw TaskFailure.permanent(problem) }
                let output = try await branch.run(value, task)
                do {
                    return try Payload(encoding: output, what: "the branch's output")
                } catch {
                    throw UndeliverableOutcome(cause: error)
                }
            },
            undo: undo
        )
        let isSame = B.Context.self == W.Context.self
        let direct = DirectFixedBranch<W.Context>(branch, undo)
        return (code, direct, .compiled(B.taskName, retry, timeout, undo), isSame ? nil : problem)
    }

    private static func result<B: ParallelTask>(
        of branch: B.Type,
        _ outcomes: inout ArraySlice<BranchOutcome>
    ) throws -> BranchResult<B.Output> {
        guard let outcome = outcomes.popFirst() else { throw Self.missing(B.taskName) }
        return try BranchResult<B.Output>(outcome)
    }

    private static func result<B: ParallelTask>(
        of branch: B.Type,
        _ outcomes: inout ArraySlice<BranchResult<FixedOutput>>
    ) throws -> BranchResult<B.Output> {
        switch outcomes.popFirst() {
        case .success(let output): return .success(output.value(of: B.taskName, as: B.Output.self))
        case .failure(let failure): return .failure(failure)
        case .cancelled: return .cancelled
        case nil: throw Self.missing(B.taskName)
        }
    }

    private static func missing(_ branch: String) -> TaskFailure {
        .permanent("the result of \(branch) is missing: deploy the version that the run has")
    }
}
