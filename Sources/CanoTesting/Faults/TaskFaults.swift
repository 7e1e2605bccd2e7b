// SPDX-License-Identifier: Apache-2.0 OR MIT

public import Cano
import CanoEngine

/// Failures and losses that a test plans for attempts to come.
///
/// ```swift
/// let faults = TaskFaults()
/// faults.failNext(.state(Trip.State.pay), times: 2)
/// faults.loseNext(.branch(1, of: Trip.State.book))
/// var configuration = EmbeddedRunner.Configuration()
/// configuration.faults = faults
/// ```
///
/// Each attempt takes the oldest plan that is meant for it. The code of an attempt that is to fail does not run.
public final class TaskFaults: Sendable {
    /// Which attempts a plan is for.
    public struct Work: Hashable, Sendable {
        enum Part: Hashable { case any, branch(Int), undo }
        let state: String
        let part: Part

        /// The work of a state: its task, the making of its items, any of its branches; not its undo.
        public static func state(_ state: some WorkflowState) -> Work { Work(state: state.rawValue, part: .any) }

        /// One branch of a split, by its index from 0.
        public static func branch(_ index: Int, of state: some WorkflowState) -> Work {
            Work(state: state.rawValue, part: .branch(index))
        }

        /// The undo of what the task or a branch of a state did.
        public static func undo(of state: some WorkflowState) -> Work { Work(state: state.rawValue, part: .undo) }

        func matches(_ grant: LeaseGrant) -> Bool {
            guard grant.state == self.state else { return false }
            switch (self.part, grant.lease.key.path) {
            case (.undo, .undo): return true
            case (.branch(let wanted), .branch(let index)): return wanted == index
            case (.any, .step), (.any, .expand), (.any, .branch): return true
            case (.any, .undo), (.undo, _), (.branch, _): return false
            }
        }
    }

    /// When a worker dies with an attempt.
    public enum Moment: Hashable, Sendable {
        /// Before the code runs.
        case beforeRunning
        /// When the code has run, before its outcome is reported.
        case afterRunning
    }

    enum Fault: Sendable {
        case fail(Failure, retryAfter: Span?)
        case lose(Moment)
    }

    private struct Plan: Sendable {
        var work: Work
        var fault: Fault
        var times: Int
    }

    private let plans = Guarded<[Plan]>([])

    /// No plans.
    public init() {}

    /// Lets attempts fail without running their code.
    ///
    /// - Parameters:
    ///   - work: which attempts.
    ///   - times: how many of them, one after the other.
    ///   - failure: what they throw.
    public func failNext(_ work: Work, times: Int = 1, with failure: TaskFailure = TaskFailure("planned by the test")) {
        let kept = Failure(code: failure.code, message: failure.message, isRetryable: failure.isRetryable)
        self.add(work, .fail(kept, retryAfter: failure.retryAfter.map(Span.init)), times)
    }

    /// Lets the worker die with attempts: nobody ever reports what became of them.
    ///
    /// - Parameters:
    ///   - work: which attempts.
    ///   - times: how many of them, one after the other.
    ///   - moment: whether their code runs.
    public func loseNext(_ work: Work, times: Int = 1, _ moment: Moment = .beforeRunning) {
        self.add(work, .lose(moment), times)
    }

    /// How many planned faults have not happened: a test whose faults missed proves nothing.
    public var pending: Int {
        self.plans.withLock { plans in plans.reduce(0) { $0 + $1.times } }
    }

    private func add(_ work: Work, _ fault: Fault, _ times: Int) {
        guard times > 0 else { return }
        self.plans.withLock { $0.append(Plan(work: work, fault: fault, times: times)) }
    }

    func take(for grant: LeaseGrant) -> Fault? {
        self.plans.withLock { plans in
            guard let index = plans.firstIndex(where: { $0.work.matches(grant) }) else { return nil }
            let fault = plans[index].fault
            plans[index].times -= 1
            if plans[index].times == 0 { plans.remove(at: index) }
            return fault
        }
    }
}
