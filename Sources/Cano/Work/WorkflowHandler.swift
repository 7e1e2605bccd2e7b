// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Does the work of a typed workflow.
struct WorkflowHandler: WorkHandler {
    private let steps: [String: StepCode]
    private let failures: WorkFailures

    init(name: String, steps: [String: StepCode], limits: Limits) {
        self.steps = steps
        self.failures = WorkFailures(workflow: name, limits: limits)
    }

    func perform(_ grant: LeaseGrant, _ task: TaskContext) async -> AttemptReport.Result {
        guard let step = self.steps[grant.state] else {
            let message =
                "workflow '\(self.failures.workflow)' has no state '\(grant.state)' in this process: "
                + "deploy its version"
            return .failed(self.failures.failure(CanoError.Code.unknownWorkflow.name, message), retryAfter: nil)
        }
        let completion: AttemptReport.Completion
        do {
            completion = try await self.complete(grant, step, task)
        } catch let error as UndeliverableOutcome {
            let code = CanoError.Code.invalidInput.name
            let problem = self.failures.failure(code, "\(error.cause)", isRetryable: false)
            return self.undelivered(problem, grant, step)
        } catch {
            return self.failures.result(of: error, timeout: grant.timeout, deadline: task.deadline, at: task.now)
        }
        guard let problem = self.problem(with: completion, of: grant) else { return .completed(completion) }
        return self.undelivered(problem, grant, step)
    }

    /// The work is done, but its outcome cannot be delivered: what can be undone is in doubt, so that it is undone.
    private func undelivered(_ problem: Failure, _ grant: LeaseGrant, _ step: StepCode) -> AttemptReport.Result {
        step.undo != nil && grant.input.isUndoable ? .stopped(problem) : .failed(problem, retryAfter: nil)
    }

    private func complete(
        _ grant: LeaseGrant,
        _ step: StepCode,
        _ task: TaskContext
    ) async throws -> AttemptReport.Completion {
        switch grant.input {
        case .task(let context, let branches), .router(let context, let branches):
            if let code = step.task {
                return try await code(StepCode.Input(context: context, branches: branches), task)
            }
        case .expand(let context, _):
            if let code = step.expand { return .items(try await code(context, task)) }
        case .branch(_, let item, _):
            if let code = step.branch { return .output(try await code(item, task)) }
        case .undo(_, let output):
            if let undo = step.undo {
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

    private func tooLarge(_ payload: Payload?, _ what: String, _ grant: LeaseGrant) -> Failure? {
        let most = self.failures.limits.payloadBytes
        guard let payload, payload.count > most else { return nil }
        return self.failures.limit(what, of: grant.state, "\(payload.count) bytes", "\(most)", "payloadBytes")
    }

    private func undeclared(_ next: String?, _ grant: LeaseGrant) -> Failure? {
        guard let next, !grant.next.contains(next) else { return nil }
        return self.failures.undeclared(next, of: grant.state, among: grant.next)
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
