// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

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
    ///   - limits: what must allow an attempt of a branch before it begins.
    ///   - losers: what becomes of branches that succeed after the join was decided without them.
    ///   - next: the state that follows.
    /// - Returns: the step.
    @inlinable
    public static func split<B: BranchTask>(
        over items: any KeyPath<W.Context, [B.Item]> & Sendable,
        _ branch: B,
        join: JoinPolicy = .all,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        inFlight: Int? = nil,
        limits: [DeclaredLimit] = [],
        losers: SplitDefinition.Losers = .undo,
        to next: W.State
    ) -> Step {
        // Reading a list costs nothing and cannot fail for a while: no retries, they would hide the mistake.
        let expand = TaskDefinition.compiled("items", AttemptPolicies(.never), nil)
        let policies = BranchPolicies(AttemptPolicies(retry, timeout, limits), join, losers, inFlight)
        let undo = UndoCode(of: branch)
        let make: @Sendable (W.Context, TaskContext) async throws -> [B.Item] = { context, _ in
            context[keyPath: items]
        }
        return Self.make(expand, branch, policies, next, undo, make, .split(make, undo, branch))
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
    ///   - limits: what must allow an attempt of a branch before it begins.
    ///   - losers: what becomes of branches that succeed after the join was decided without them.
    ///   - next: the state that follows.
    /// - Returns: the step.
    @inlinable
    public static func split<E: ExpandTask, B: BranchTask>(
        over items: E,
        _ branch: B,
        join: JoinPolicy = .all,
        retry: RetryPolicy = RetryPolicy(),
        timeout: Duration? = nil,
        inFlight: Int? = nil,
        limits: [DeclaredLimit] = [],
        losers: SplitDefinition.Losers = .undo,
        to next: W.State
    ) -> Step where E.Context == W.Context, E.Item == B.Item {
        let expand = TaskDefinition.compiled(E.taskName, AttemptPolicies(retry, timeout), nil)
        let policies = BranchPolicies(AttemptPolicies(retry, timeout, limits), join, losers, inFlight)
        let undo = UndoCode(of: branch)
        let make: @Sendable (W.Context, TaskContext) async throws -> [B.Item] = { try await items.run($0, $1) }
        var step = Self.make(expand, branch, policies, next, undo, make, .split(make, undo, branch))
        if UndoCode(of: items) != nil { step.refuseUndo(ofItemsBy: E.taskName) }
        return step
    }

    @usableFromInline
    struct BranchPolicies {
        var attempts: AttemptPolicies
        var join: JoinPolicy
        var losers: SplitDefinition.Losers
        var inFlight: Int?

        @usableFromInline
        init(
            _ attempts: AttemptPolicies,
            _ join: JoinPolicy,
            _ losers: SplitDefinition.Losers,
            _ inFlight: Int?
        ) {
            self.attempts = attempts
            self.join = join
            self.losers = losers
            self.inFlight = inFlight
        }
    }

    @usableFromInline
    mutating func refuseUndo(ofItemsBy name: String) {
        self.code.problems.append("\(name) only makes items and has nothing to undo: remove Compensatable")
    }

    @usableFromInline
    static func make<B: BranchTask>(
        _ expand: TaskDefinition,
        _ branch: B,
        _ policies: BranchPolicies,
        _ next: W.State,
        _ undo: UndoCode?,
        _ items: @escaping @Sendable (W.Context, TaskContext) async throws -> [B.Item],
        _ direct: DirectCode<W>
    ) -> Step {
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
            .each(expand: expand, branch: .compiled(B.taskName, policies.attempts, undo)),
            join: policies.join,
            losers: policies.losers,
            inFlight: policies.inFlight
        )
        return Self(.split(definition, to: next.rawValue), code, direct: direct)
    }
}
