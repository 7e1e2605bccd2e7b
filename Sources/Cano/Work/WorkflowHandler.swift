// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Does the work of a typed workflow.
struct WorkflowHandler: WorkHandler {
    private let name: String
    private let steps: [String: StepCode]
    private let limits: Limits

    init(name: String, steps: [String: StepCode], limits: Limits) {
        self.name = name
        self.steps = steps
        self.limits = limits
    }

    func perform(_ grant: LeaseGrant, _ task: TaskContext) async -> AttemptReport.Result {
        guard let step = self.steps[grant.state] else {
            return self.failed(
                "workflow '\(self.name)' has no state '\(grant.state)' in this process: deploy its version"
            )
        }
        let completion: AttemptReport.Completion
        do {
            completion = try await self.complete(grant, step, task)
        } catch let error as UndeliverableOutcome {
            let problem = self.failure(CanoError.Code.invalidInput.name, "\(error.cause)", isRetryable: false)
            return self.undelivered(problem, grant, step)
        } catch {
            return self.result(of: error, grant, task)
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
            "state '\(grant.state)' of workflow '\(self.name)' has no code for '\(grant.lease.key.path)': "
                + "deploy the version that the run was started with"
        )
    }

    // MARK: Failures

    private func result(of error: any Error, _ grant: LeaseGrant, _ task: TaskContext) -> AttemptReport.Result {
        switch error {
        case let failure as TaskFailure:
            let kept = self.failure(failure.code, failure.message, isRetryable: failure.isRetryable)
            return .failed(kept, retryAfter: failure.retryAfter.map(Span.init))
        case is CancellationError:
            return self.stopped(grant, task, "")
        case _ where Task.isCancelled:
            return self.stopped(grant, task, ": \(error)")
        case let error as CanoError where error.code == .invalidInput:
            return .failed(self.failure(error.code.name, error.message, isRetryable: false), retryAfter: nil)
        default:
            return .failed(self.failure(CanoError.Code.taskFailed.name, "\(error)"), retryAfter: nil)
        }
    }

    /// Whoever cancels a task cannot say why, so the deadline tells whether its time was up.
    private func stopped(_ grant: LeaseGrant, _ task: TaskContext, _ detail: String) -> AttemptReport.Result {
        if let deadline = task.deadline, ContinuousClock.now >= deadline {
            let bound = grant.timeout.map { " of \($0.milliseconds) ms" } ?? ""
            return .stopped(self.failure("timeout", "the attempt took longer than its timeout\(bound)\(detail)"))
        }
        return .stopped(self.failure(CanoError.Code.cancelled.name, "the attempt was stopped\(detail)"))
    }

    private func failed(_ message: String) -> AttemptReport.Result {
        .failed(self.failure(CanoError.Code.unknownWorkflow.name, message), retryAfter: nil)
    }

    /// A failure whose message is one line and not too long.
    private func failure(_ code: String, _ message: String, isRetryable: Bool = true) -> Failure {
        let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        return Failure(
            code: code,
            message: String(line.prefix(self.limits.messageCharacters)),
            isRetryable: isRetryable
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
        let bytes = PayloadList.encodedCount(items)
        if items.count > self.limits.branches {
            return self.limit("the split", grant, "\(items.count) items", "\(self.limits.branches)", "branches")
        }
        if bytes > self.limits.splitBytes {
            return self.limit("the split", grant, "\(bytes) bytes of items", "\(self.limits.splitBytes)", "splitBytes")
        }
        return nil
    }

    private func tooLarge(_ payload: Payload?, _ what: String, _ grant: LeaseGrant) -> Failure? {
        guard let payload, payload.count > self.limits.payloadBytes else { return nil }
        return self.limit(what, grant, "\(payload.count) bytes", "\(self.limits.payloadBytes)", "payloadBytes")
    }

    private func limit(_ what: String, _ grant: LeaseGrant, _ size: String, _ most: String, _ name: String) -> Failure {
        self.failure(
            CanoError.Code.limitExceeded.name,
            "\(what) of state '\(grant.state)' in workflow '\(self.name)' has \(size), over the limit of \(most): "
                + "keep large data elsewhere and pass its address, or raise Limits.\(name)",
            isRetryable: false
        )
    }

    private func undeclared(_ next: String?, _ grant: LeaseGrant) -> Failure? {
        guard let next, !grant.next.contains(next) else { return nil }
        return self.failure(
            CanoError.Code.invalidDefinition.name,
            "the task of state '\(grant.state)' in workflow '\(self.name)' chose '\(next)', which is not declared: "
                + "add it to `to:` (now: \(grant.next.joined(separator: ", "))) and raise the version",
            isRetryable: false
        )
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
