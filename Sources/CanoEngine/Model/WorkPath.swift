// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Which piece of work within a visit of a state.
public enum WorkPath: Hashable, Sendable {
    /// The state's own task.
    case step
    /// The making of a split's items.
    case expand
    /// The branch of a split with this index, from 0.
    case branch(Int)
    /// The undo of what was pushed under this sequence number.
    case undo(seq: Int)
}

extension WorkPath: LosslessStringConvertible {
    /// The stored form: `step`, `expand`, `branch/17`, `undo/5`.
    public var description: String {
        switch self {
        case .step: "step"
        case .expand: "expand"
        case .branch(let index): "branch/\(index)"
        case .undo(let seq): "undo/\(seq)"
        }
    }

    /// Reads the stored form.
    public init?(_ description: String) {
        switch description {
        case "step": self = .step
        case "expand": self = .expand
        default:
            let parts = description.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, let number = Int(parts[1]), number >= 0 else { return nil }
            switch parts[0] {
            case "branch": self = .branch(number)
            case "undo": self = .undo(seq: number)
            default: return nil
            }
        }
    }
}

/// One piece of work of one run: what a lease is for, whoever holds it and however often it is tried.
public struct WorkKey: Hashable, Sendable {
    /// The run.
    public var run: RunID
    /// The number of the visit: it rises with every state entered, so an earlier visit's work is never mistaken.
    public var visit: Int
    /// The work within the visit.
    public var path: WorkPath

    /// A key from its parts.
    public init(run: RunID, visit: Int, path: WorkPath) {
        self.run = run
        self.visit = visit
        self.path = path
    }

    /// What a task hands to outside systems so that they do its work once: stable across attempts.
    public var idempotencyKey: String { "\(self.run)/\(self.visit)/\(self.path)" }
}
