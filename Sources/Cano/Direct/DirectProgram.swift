// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine
public import Logging

/// A workflow made ready for running without a store: states by number, code with its types.
@usableFromInline
final class DirectProgram<W: Workflow>: Sendable {
    /// One state.
    @usableFromInline
    final class State: Sendable {
        @usableFromInline let state: W.State
        @usableFromInline let name: String
        @usableFromInline let step: StepDefinition
        @usableFromInline let code: DirectCode<W>
        /// The states that may come next, by number.
        @usableFromInline let next: [Int]
        /// Their names.
        let nextNames: [String]
        /// The task or the router, or what gathers a split; `nil` in states that have none of their own.
        let task: TaskDefinition?
        /// Whether an attempt needs no clock beside it.
        @usableFromInline let isPlain: Bool
        /// How the task is undone; `nil` when there is nothing to undo.
        @usableFromInline let undoing: DirectUndoing?
        /// What its branches have in common; `nil` when it is no split.
        let split: DirectSplit?
        /// How an attempt in doubt is undone; `nil` when it is not.
        let doubt: BoundUndo?

        /// What an error of the state's task means.
        func refused(_ error: any Error, _ failures: WorkFailures) -> any Error {
            guard let error = error as? UndeclaredState else { return error }
            return RefusedOutcome(failure: failures.undeclared(error.name, of: self.name, among: self.nextNames))
        }

        /// The task was not done in the time that it has.
        var overdue: Failure {
            let bound = self.task?.within.map { " within \($0.milliseconds) ms" } ?? ""
            return Failure(code: "deadline", message: "'\(self.name)' was not done\(bound)", isRetryable: false)
        }

        init(_ state: W.State, _ step: Step<W>, indices: [String: Int], failures: WorkFailures) {
            self.state = state
            self.name = state.rawValue
            self.step = step.definition
            self.code = step.direct
            self.nextNames = step.definition.next
            self.next = self.nextNames.compactMap { indices[$0] }
            self.task =
                switch step.definition {
                case .task(let task, _), .router(let task, _): task
                case .split(let split, _): split.gather
                case .timer, .wait, .child, .exit: nil
                }
            self.undoing = DirectUndoing(self.task?.undo, state: state.rawValue)
            self.isPlain = self.task?.isPlain ?? true
            self.split = DirectSplit(step.definition, name: state.rawValue, failures: failures)
            self.doubt = self.task?.undo?.coversUnknown ?? false ? step.code.undo?.unknown : nil
        }
    }

    @usableFromInline let states: [State]
    @usableFromInline let start: Int
    @usableFromInline let timeout: Span?
    let failures: WorkFailures
    /// Makes the ids of its runs.
    @usableFromInline let ids = RunIDSource()
    @usableFromInline let logger: Logger

    /// Throws `invalidDefinition` with all problems of the workflow.
    static func check(_ workflow: W, limits: Limits) throws(CanoError) -> Definition {
        let definition = try WorkflowRegistration(workflow, limits: limits).definition
        for state in definition.states {
            if state.declaresLimits {
                let message = "state '\(state.name)' of workflow '\(W.name)' declares limits, which nobody counts here"
                throw CanoError(
                    .invalidDefinition,
                    message + ": use an EmbeddedRunner, or a CircuitBreaker, RateLimiter or Bulkhead inside the task"
                )
            }
            guard let shape = state.step.needsStore else { continue }
            throw CanoError(
                .invalidDefinition,
                "workflow '\(W.name)' cannot run without a store: state '\(state.name)' has \(shape); run it with "
                    + "EmbeddedRunner, on a MemoryStore if nothing is to be kept"
            )
        }
        return definition
    }

    /// The definition is one that was checked.
    init(_ steps: [(state: W.State, step: Step<W>)], _ definition: Definition, limits: Limits, logger: Logger) {
        var indices: [String: Int] = [:]
        for (index, step) in steps.enumerated() { indices[step.state.rawValue] = index }
        let failures = WorkFailures(workflow: W.name, limits: limits)
        self.states = steps.map { State($0.state, $0.step, indices: indices, failures: failures) }
        self.start = indices[definition.start] ?? 0
        self.timeout = definition.timeout
        self.failures = failures
        self.logger = logger
    }
}

extension StepDefinition {
    /// What of the step only the durable engine does, for people; `nil` when it can run without a store.
    fileprivate var needsStore: String? {
        switch self {
        case .task(let task, _), .router(let task, _): return task.needsStore
        case .split(let split, _):
            let branches: [TaskDefinition]
            switch split.work {
            case .each(_, let branch): branches = [branch]
            case .fixed(let fixed): branches = fixed
            }
            return branches.lazy.compactMap(\.needsStore).first ?? split.gather?.needsStore
        case .wait, .child: return "something to wait for from outside"
        case .timer, .exit: return nil
        }
    }
}

extension TaskDefinition {
    fileprivate var needsStore: String? {
        if self.repetition?.kind == .stream { return "a stream" }
        if self.startWithin != nil { return "a time to start" }
        if self.heartbeat != nil { return "a heartbeat" }
        return self.hedge == nil ? nil : "hedging"
    }
}
