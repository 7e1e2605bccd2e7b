// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Something that a run is told from outside: an approval, the answer of a partner, an event.
public struct RunSignal: Hashable, Sendable {
    /// Its name; a wait of that name takes it.
    public var name: String
    /// What it says.
    public var payload: Payload
    /// What makes it the same signal when it is sent again; `nil` when every sending counts.
    public var id: String?

    /// A signal from its parts.
    public init(name: String, payload: Payload, id: String? = nil) {
        self.name = name
        self.payload = payload
        self.id = id
    }
}

/// What a state is handed besides the context, by a wait or a child that led to it.
public enum Arrival: Hashable, Sendable {
    /// The signal that ended the wait.
    case signal(RunSignal)
    /// How the child ended.
    case child(ChildResult)
}

/// How a child run ended.
public struct ChildResult: Hashable, Sendable {
    /// The child.
    public var run: RunID
    /// How it ended.
    public var outcome: RunOutcome
    /// Its context at the end; `nil` when it never began.
    public var context: Payload?

    /// A result from its parts.
    public init(run: RunID, outcome: RunOutcome, context: Payload?) {
        self.run = run
        self.outcome = outcome
        self.context = context
    }
}
