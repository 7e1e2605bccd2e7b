// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The name of a signal together with the type of what it says.
///
/// Declare each signal once, so that whoever waits and whoever sends cannot differ:
///
/// ```swift
/// extension Signal where Payload == Approval { static let approval = Signal("approval") }
/// ```
public struct Signal<Payload: Codable & Sendable>: Hashable, Sendable {
    /// The name.
    public let name: String

    /// A signal of this name.
    public init(_ name: String) {
        self.name = name
    }
}

/// What somebody decided about something that was put before them.
public struct Approval: Codable, Hashable, Sendable {
    /// Whether it may go on.
    public var approved: Bool
    /// Who decided.
    public var by: String
    /// Why; `nil` when nothing was said.
    public var note: String?

    /// A decision from its parts.
    public init(approved: Bool, by: String, note: String? = nil) {
        self.approved = approved
        self.by = by
        self.note = note
    }
}

/// How a child run ended, as the task behind it sees it.
public struct ChildOutcome<Context: Sendable>: Sendable {
    /// The child.
    public let run: RunID
    /// How it ended.
    public let outcome: RunOutcome
    /// Its context at the end; `nil` when it never began.
    public let context: Context?

    /// Whether the child reached an exit of success.
    public var isSuccess: Bool { self.outcome.isSuccess }
}

extension ChildOutcome: Equatable where Context: Equatable {}
