// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Does the work of a typed workflow.
struct WorkflowHandler: WorkHandler {
    /// What this process knows about a state; an object, so that a look-up for an attempt copies one reference.
    private final class Place: Sendable {
        let code: StepCode
        /// What may follow, for a worker that goes on by itself.
        let next: [String]
        let isRouter: Bool

        init(_ state: StateDefinition, _ code: StepCode) {
            self.code = code
            self.next = state.step.next
            self.isRouter = if case .router = state.step { true } else { false }
        }
    }

    private let places: [String: Place]
    /// Whether there are states that may be done behind others at once.
    private let hasLocal: Bool
    private let failures: WorkFailures

    init(_ definition: Definition, steps: [String: StepCode], limits: Limits) {
        var places: [String: Place] = [:]
        for state in definition.states { places[state.name] = steps[state.name].map { Place(state, $0) } }
        self.places = places
        self.hasLocal = places.values.contains { $0.code.isLocal }
        self.failures = WorkFailures(workflow: definition.name, limits: limits)
    }

    func perform(_ grant: LeaseGrant, _ task: TaskContext) async -> AttemptReport.Result {
        guard let place = self.places[grant.state] else {
            let message =
                "workflow '\(self.failures.workflow)' has no state '\(grant.state)' in this process: "
                + "deploy its version"
            return .failed(self.failures.failure(CanoError.Code.unknownWorkflow.name, message), retryAfter: nil)
        }
        var task = task
        task.failures = self.failures
        let completion: AttemptReport.Completion
        do {
            completion = try await self.complete(grant, place, task)
        } catch let error as UndeliverableOutcome {
            let code = CanoError.Code.invalidInput.name
            let problem = self.failures.failure(code, "\(error.cause)", isRetryable: false)
            return self.undelivered(problem, grant, place)
        } catch {
            return self.failures.result(of: error, timeout: grant.timeout, deadline: task.deadline, at: task.now)
        }
        if let problem = self.problem(with: completion, of: grant) { return self.undelivered(problem, grant, place) }
        guard self.hasLocal else { return .completed(completion) }
        let following = await self.following(completion, grant, task)
        return following.isEmpty ? .completed(completion) : .carried(completion, following: following)
    }

    /// Does the local states behind the one that is done, as far as nothing goes wrong.
    private func following(
        _ completion: AttemptReport.Completion,
        _ grant: LeaseGrant,
        _ task: TaskContext
    ) async -> [LocalCompletion] {
        var following: [LocalCompletion] = []
        var (grant, last) = (grant, completion)
        // One report carries them all, and a report goes into one frame.
        var room = self.failures.limits.localBytes
        while following.count < self.failures.limits.localStates, !Task.isCancelled,
            let next = self.grant(behind: grant, last), let place = self.places[next.state]
        {
            grant = next
            // What goes wrong here is tried again, and told, under a lease of the state's own.
            guard let done = try? await self.complete(grant, place, task.following(grant)),
                self.problem(with: done, of: grant) == nil, done.byteCount <= room
            else { break }
            room -= done.byteCount
            following.append(LocalCompletion(state: grant.state, completion: done))
            last = done
        }
        return following
    }

    /// The work of the local state that follows; `nil` when none does.
    private func grant(behind grant: LeaseGrant, _ completion: AttemptReport.Completion) -> LeaseGrant? {
        let (chosen, context): (String?, Payload)
        switch (completion, grant.input) {
        case (.task(let changed, let next, _), .task(let before, _)): (chosen, context) = (next, changed ?? before)
        case (.route(let next), .router(let before, _)): (chosen, context) = (next, before)
        case (.task, _), (.route, _), (.items, _), (.output, _), (.undone, _), (.again, _): return nil
        }
        guard let state = chosen ?? grant.next.first, let place = self.places[state], place.code.isLocal else {
            return nil
        }
        var next = grant
        next.state = state
        next.lease.key.visit += 1
        next.lease.attempt = 1
        next.next = place.next
        next.cursor = nil
        next.input =
            place.isRouter ? .router(context: context, branches: nil) : .task(context: context, branches: nil)
        return next
    }

    /// The work is done, but its outcome cannot be delivered: what can be undone is in doubt, so that it is undone.
    private func undelivered(_ problem: Failure, _ grant: LeaseGrant, _ place: Place) -> AttemptReport.Result {
        place.code.undo(of: grant.lease.key.path) != nil && grant.input.isUndoable
            ? .stopped(problem) : .failed(problem, retryAfter: nil)
    }

    private func complete(
        _ grant: LeaseGrant,
        _ place: Place,
        _ task: TaskContext
    ) async throws -> AttemptReport.Completion {
        switch grant.input {
        case .task(let context, let branches), .router(let context, let branches):
            if let code = place.code.task {
                let input = StepCode.Input(context: context, branches: branches, arrival: grant.arrival)
                return try await code(input, task)
            }
        case .expand(let context, _):
            if let code = place.code.expand { return .items(try await code(context, task)) }
        case .branch(let index, let item, let context):
            if let code = place.code.branch { return .output(try await code(item, task)) }
            let fixed = place.code.fixed
            if fixed.indices.contains(index) { return .output(try await fixed[index].run(context, task)) }
        case .undo(let path, let output):
            if let undo = place.code.undo(of: path) {
                try await undo.run(output, task)
                return .undone
            }
        }
        throw TaskFailure.permanent(
            "state '\(grant.state)' of workflow '\(self.failures.workflow)' has no code for '\(grant.lease.key.path)': "
                + "deploy the version that the run was started with"
        )
    }

    // MARK: Limits

    private func problem(with completion: AttemptReport.Completion, of grant: LeaseGrant) -> Failure? {
        switch completion {
        case .task(let context, let next, let output):
            return self.undeclared(next, grant) ?? self.tooLarge(context, "the context", grant)
                ?? self.tooLarge(output, "the output", grant)
        case .route(let next):
            return self.undeclared(next, grant)
        case .output(let output):
            return self.tooLarge(output, "the output of branch \(grant.lease.key.path)", grant)
        case .items(let items):
            return self.tooMany(items, grant)
        case .undone:
            return nil
        case .again(let cursor, _):
            return self.tooLarge(cursor, "the cursor", grant)
        }
    }

    private func tooMany(_ items: [Payload], _ grant: LeaseGrant) -> Failure? {
        for (index, item) in items.enumerated() {
            if let problem = self.tooLarge(item, "item \(index)", grant) { return problem }
        }
        if let problem = self.failures.tooMany(items.count, of: grant.state) { return problem }
        let (bytes, most) = (PayloadList.encodedCount(items), self.failures.limits.splitBytes)
        guard bytes > most else { return nil }
        return self.failures.limit("the split", of: grant.state, "\(bytes) bytes of items", "\(most)", "splitBytes")
    }

    private func tooLarge(
        _ payload: Payload?,
        _ what: @autoclosure () -> String,
        _ grant: LeaseGrant
    ) -> Failure? {
        let most = self.failures.limits.payloadBytes
        guard let payload, payload.count > most else { return nil }
        return self.failures.limit(what(), of: grant.state, "\(payload.count) bytes", "\(most)", "payloadBytes")
    }

    private func undeclared(_ next: String?, _ grant: LeaseGrant) -> Failure? {
        guard let next, !grant.next.contains(next) else { return nil }
        return self.failures.undeclared(next, of: grant.state, among: grant.next)
    }
}

extension AttemptReport.Completion {
    /// The bytes of what it hands over.
    fileprivate var byteCount: Int {
        switch self {
        case .task(let context, _, let output): (context?.count ?? 0) + (output?.count ?? 0)
        case .items(let items): items.reduce(0) { $0 + $1.count }
        case .output(let output): output.count
        case .again(let cursor, _): cursor?.count ?? 0
        case .route, .undone: 0
        }
    }
}

extension LeaseGrant.Input {
    /// Whether the work may need an undo once it ran.
    fileprivate var isUndoable: Bool {
        switch self {
        case .task, .branch: true
        case .router, .expand, .undo: false
        }
    }
}
