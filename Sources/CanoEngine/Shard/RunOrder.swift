// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What somebody wants of a run, apart from its end.
public enum RunVerb: Hashable, Sendable {
    /// To tell it something.
    case signal(RunSignal)
    /// To decide about work that cannot go on by itself.
    case intervene(Intervention)
    /// To put it under another version of its workflow.
    case migrate(version: Int, StateMap)

    /// The word for it in the audit.
    public var name: String {
        switch self {
        case .signal: "signal"
        case .intervene(let intervention): intervention.verb.rawValue
        case .migrate: "migrate"
        }
    }

    /// What the audit says about it besides the word.
    var detail: String? {
        switch self {
        case .signal(let signal): "'\(signal.name)'" + (signal.id.map { " (id \($0))" } ?? "")
        case .intervene(let intervention): intervention.note
        case .migrate(let version, _): "version \(version)"
        }
    }
}

/// The wish that something be done with a run.
public struct RunOrder: Hashable, Sendable {
    /// The run.
    public var run: RunID
    /// What is to be done.
    public var verb: RunVerb
    /// Who wants it.
    public var caller: String
    /// Through what, for the audit.
    public var via: String
    /// Who waits for the answer; `nil` for nobody.
    public var request: RequestID?

    /// An order from its parts.
    public init(run: RunID, verb: RunVerb, caller: String, via: String, request: RequestID?) {
        self.run = run
        self.verb = verb
        self.caller = caller
        self.via = via
        self.request = request
    }
}

/// The wish to start a run for another one.
public struct ChildOrder: Hashable, Sendable {
    /// The child's id.
    public var run: RunID
    /// Its workflow.
    public var workflow: String
    /// Its version; `nil` for the highest that its owner knows.
    public var version: Int?
    /// Its context.
    public var context: Payload
    /// From which its jitter is drawn.
    public var seed: UInt64
    /// Who wants it.
    public var parent: ParentLink

    /// An order from its parts.
    public init(
        run: RunID,
        workflow: String,
        version: Int?,
        context: Payload,
        seed: UInt64,
        parent: ParentLink
    ) {
        self.run = run
        self.workflow = workflow
        self.version = version
        self.context = context
        self.seed = seed
        self.parent = parent
    }
}
