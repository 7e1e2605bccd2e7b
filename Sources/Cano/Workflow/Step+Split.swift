// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Step {
    /// One branch runs for each element of a list in the context; a join decides when the run goes on.
    ///
    /// - Parameters:
    ///   - items: where the context has the list.
    ///   - branch: the work of each branch.
    ///   - join: when the run goes on.
    ///   - retry: how often, and how patiently, each branch is tried again.
    ///   - timeout: how long one attempt of a branch may take; `nil` for no bound.
    ///   - inFlight: how many branches may run at once, their pauses between attempts included; `nil` for no bound.
    ///   - losers: what becomes of branches that succeed after the join was decided without them.
    ///   - next: the state that follows.
    /// - Returns: the step.
    public static func split<B: BranchTask>(
        over items: any KeyPath<W.Context, [B.Item]> & Sendable,
        _ branch: B,
        join: JoinPolicy = .all,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        inFlight: Int? = nil,
        losers: SplitDefinition.Losers = .undo,
        to next: W.State
    ) -> Step {
        // Reading a list costs nothing and cannot fail for a while: no retries, they would hide the mistake.
        let expand = TaskDefinition.compiled("items", .never, nil, nil)
        let policies = BranchPolicies(join, retry, timeout, losers, inFlight)
        return Self.make(expand, branch, policies, next) { context, _ in context[keyPath: items] }
    }

    /// One branch runs for each item that a task makes from the context; a join decides when the run goes on.
    ///
    /// - Parameters:
    ///   - items: makes the items; they are stored once, not in the context.
    ///   - branch: the work of each branch.
    ///   - join: when the run goes on.
    ///   - retry: how often, and how patiently, the making of the items and each branch are tried again.
    ///   - timeout: how long one attempt of either may take; `nil` for no bound.
    ///   - inFlight: how many branches may run at once, their pauses between attempts included; `nil` for no bound.
    ///   - losers: what becomes of branches that succeed after the join was decided without them.
    ///   - next: the state that follows.
    /// - Returns: the step.
    public static func split<E: ExpandTask, B: BranchTask>(
        over items: E,
        _ branch: B,
        join: JoinPolicy = .all,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        inFlight: Int? = nil,
        losers: SplitDefinition.Losers = .undo,
        to next: W.State
    ) -> Step where E.Context == W.Context, E.Item == B.Item {
        let expand = TaskDefinition.compiled(E.taskName, retry, timeout, nil)
        let policies = BranchPolicies(join, retry, timeout, losers, inFlight)
        var step = Self.make(expand, branch, policies, next) { try await items.run($0, $1) }
        if UndoCode(of: items) != nil {
            step.code.problems.append("\(E.taskName) only makes items and has nothing to undo: remove Compensatable")
        }
        return step
    }

    private struct BranchPolicies {
        var join: JoinPolicy
        var retry: RetryPolicy
        var timeout: Duration?
        var losers: SplitDefinition.Losers
        var inFlight: Int?

        init(
            _ join: JoinPolicy,
            _ retry: RetryPolicy,
            _ timeout: Duration?,
            _ losers: SplitDefinition.Losers,
            _ inFlight: Int?
        ) {
            self.join = join
            self.retry = retry
            self.timeout = timeout
            self.losers = losers
            self.inFlight = inFlight
        }
    }

    private static func make<B: BranchTask>(
        _ expand: TaskDefinition,
        _ branch: B,
        _ policies: BranchPolicies,
        _ next: W.State,
        _ items: @escaping @Sendable (W.Context, TaskContext) async throws -> [B.Item]
    ) -> Step {
        let undo = UndoCode(of: branch)
        var code = StepCode()
        code.branchUndo = undo
        code.branchOutput = TypeIdentity(B.Output.self)
        code.expand = { context, task in
            let value = try context.decoded(as: W.Context.self, what: "the context")
            return try await items(value, task).map { try Payload(encoding: $0, what: "an item") }
        }
        code.branch = { item, task in
            let output = try await branch.run(try item.decoded(as: B.Item.self, what: "the item"), task)
            do {
                return try Payload(encoding: output, what: "the branch's output")
            } catch {
                throw UndeliverableOutcome(cause: error)
            }
        }
        let definition = SplitDefinition(
            .each(expand: expand, branch: .compiled(B.taskName, policies.retry, policies.timeout, undo)),
            join: policies.join,
            losers: policies.losers,
            inFlight: policies.inFlight
        )
        let direct = DirectCode<W>
            .split { context, split in
                await split.run(
                    items: { try await items(context, $0) },
                    undo: undo,
                    branch: { try await branch.run($0, $1) }
                )
            }
        return Self(.split(definition, to: next.rawValue), code, direct: direct)
    }
}
