// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
internal import Logging

/// A workflow made ready for running without a store: states by number, code with its types.
final class DirectProgram<W: Workflow>: Sendable {
    /// One state.
    final class State: Sendable {
        let state: W.State
        let name: String
        let step: StepDefinition
        let code: DirectCode<W>
        /// The states that may come next, by number.
        let next: [Int]
        /// Their names.
        let nextNames: [String]
        /// The task or the router; `nil` in states that have none of their own.
        let task: TaskDefinition?
        /// Whether an attempt needs no clock beside it.
        let isPlain: Bool
        /// How the task or the branches are undone; `nil` when there is nothing to undo.
        let undo: UndoDefinition?
        /// How an attempt in doubt is undone; `nil` when it is not.
        let doubt: UndoCode.Bound?

        init(_ state: W.State, _ step: Step<W>, indices: [String: Int]) {
            self.state = state
            self.name = state.rawValue
            self.step = step.definition
            self.code = step.direct
            self.nextNames = step.definition.next
            self.next = self.nextNames.compactMap { indices[$0] }
            self.task =
                switch step.definition {
                case .task(let task, _), .router(let task, _): task
                case .split, .timer, .exit: nil
                }
            self.undo =
                switch step.definition {
                case .task(let task, _): task.undo
                case .split(let split, _): split.branch.undo
                case .router, .timer, .exit: nil
                }
            self.isPlain = self.task?.timeout == nil
            self.doubt = self.task?.undo?.coversUnknown ?? false ? step.code.undo?.unknown : nil
        }
    }

    let states: [State]
    let start: Int
    let timeout: Span?
    let failures: WorkFailures
    let limits: Limits
    let logger: Logger

    /// Throws `invalidDefinition` with all problems of the workflow.
    init(_ workflow: W, limits: Limits, logger: Logger) throws(CanoError) {
        let registration = try WorkflowRegistration(workflow, limits: limits)
        if let state = registration.definition.states.first(where: { $0.step.declaresLimits }) {
            throw CanoError(
                .invalidDefinition,
                "state '\(state.name)' of workflow '\(W.name)' declares limits, which only a store's owner can count: "
                    + "use an EmbeddedRunner, or a CircuitBreaker, RateLimiter or Bulkhead inside the task"
            )
        }
        let all = Array(W.State.allCases)
        var indices: [String: Int] = [:]
        for (index, state) in all.enumerated() { indices[state.rawValue] = index }
        self.states = all.map { State($0, workflow.step(in: $0), indices: indices) }
        self.start = indices[registration.definition.start] ?? 0
        self.timeout = registration.definition.timeout
        self.failures = WorkFailures(workflow: W.name, limits: limits)
        self.limits = limits
        self.logger = logger
    }
}
