// SPDX-License-Identifier: Apache-2.0 OR MIT

/// How a run ended.
public enum RunOutcome: Hashable, Sendable {
    /// It reached an exit of success.
    case succeeded
    /// A step failed for good, or the run reached an exit of failure; what was pushed is undone.
    case failed(Failure)
    /// Somebody cancelled it; what was pushed is undone.
    case cancelled(by: String)
    /// It took longer than its definition allows; what was pushed is undone.
    case timedOut

    /// Whether the run did what it was started for.
    public var isSuccess: Bool { self == .succeeded }

    /// Why it was no success, in one line for people; `nil` when it was one.
    public var note: String? {
        switch self {
        case .succeeded: nil
        case .failed(let failure): "\(failure.code): \(failure.message)"
        case .cancelled(let by): "by \(by)"
        case .timedOut: "the run took longer than its definition allows"
        }
    }
}

/// What a run is doing, as lists and views show it.
public enum RunStatus: Int16, Hashable, Sendable, Codable, CaseIterable {
    /// It has work that runs or is ready to run.
    case active = 1
    /// It waits for a time that a row in the store names.
    case waiting = 2
    /// It undoes what it did.
    case compensating = 3
    /// It cannot go on without a person.
    case blocked = 4
    /// It ended well.
    case succeeded = 10
    /// It ended with a failure.
    case failed = 11
    /// It was cancelled.
    case cancelled = 12
    /// Its time ran out.
    case timedOut = 13

    /// The name that people see and that JSON carries.
    public var name: String {
        switch self {
        case .active: "active"
        case .waiting: "waiting"
        case .compensating: "compensating"
        case .blocked: "blocked"
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .cancelled: "cancelled"
        case .timedOut: "timedOut"
        }
    }

    /// A status by its name.
    public init?(name: String) {
        guard let status = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = status
    }

    /// Whether the run is over.
    public var isFinished: Bool { self.rawValue >= 10 }
}
