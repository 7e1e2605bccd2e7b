// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What a person decides about work that cannot go on by itself.
public struct Intervention: Hashable, Sendable {
    /// What is to happen.
    public enum Verb: String, Hashable, Sendable, CaseIterable {
        /// The work is tried again, with all its attempts.
        case retry
        /// The work is given up: a step or a branch fails for good, an undo stays undone, a child is not awaited.
        case skip
        /// The work was done by hand.
        case resolve
    }

    /// What is to happen.
    public var verb: Verb
    /// Which work; `nil` for all that cannot go on.
    public var path: WorkPath?
    /// Why, for the history; one line.
    public var note: String?
    /// What the work came to, when it was done by hand: a context for a step, an output for a branch.
    public var output: Payload?
    /// Which state follows a step that was done by hand; `nil` for the only one.
    public var next: String?

    /// An intervention from its parts.
    public init(
        _ verb: Verb,
        path: WorkPath? = nil,
        note: String? = nil,
        output: Payload? = nil,
        next: String? = nil
    ) {
        self.verb = verb
        self.path = path
        self.note = note
        self.output = output
        self.next = next
    }
}

/// Why something that was asked for is not done.
public struct Refusal: Error, Hashable, Sendable {
    /// The stable reason.
    public var code: CanoError.Code
    /// One line that names the culprit and the remedy.
    public var message: String

    /// A refusal with its reason and one line for people.
    public init(_ code: CanoError.Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
