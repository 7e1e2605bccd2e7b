// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A task whose work can be undone, should its run fail, be cancelled or take too long.
///
/// Tasks are undone one at a time, the newest first, each until it succeeded or its retries are used up. An undo runs
/// at least once, too; its ``TaskContext/idempotencyKey`` ends in `/undo`.
public protocol Compensatable: Sendable {
    /// What the task returned; it is kept for the undo.
    associatedtype Output: Codable & Sendable

    /// How the undo is tried (default: five attempts, and attempts in doubt are undone too).
    var undoPolicy: UndoPolicy { get }

    /// Undoes the work.
    ///
    /// - Parameters:
    ///   - output: what the task returned; `nil` when nobody knows whether its last attempt did its work.
    ///   - task: the attempt of the undo.
    /// - Throws: whatever went wrong; the undo is then tried again.
    func undo(_ output: Output?, _ task: TaskContext) async throws
}

extension Compensatable {
    /// Five attempts, and attempts in doubt are undone too.
    public var undoPolicy: UndoPolicy { UndoPolicy() }
}

/// How an undo is tried.
public struct UndoPolicy: Hashable, Sendable {
    /// How often, and how patiently, it is tried again.
    public var retry = RetryPolicy()
    /// How long one attempt may take (default: `nil`, no bound).
    public var timeout: Duration?
    /// Whether an attempt whose outcome nobody knows is undone too, without an output (default: yes).
    public var coversUnknown = true

    /// The defaults.
    public init() {}

    /// The defaults, adjusted.
    public init(_ adjust: (inout Self) -> Void) {
        self.init()
        adjust(&self)
    }
}
