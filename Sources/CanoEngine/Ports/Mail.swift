// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A message to the owner of a shard, whoever that is.
public struct Mail: Hashable, Sendable {
    /// What is asked for.
    public enum Content: Hashable, Sendable {
        /// Cancel this run.
        case cancel(RunID, by: String)
        /// Do something with this run.
        case order(RunID, RunVerb, by: String)
        /// Start a run for another one.
        case startChild(ChildOrder)
        /// Tell the parent that its child has ended.
        case childEnded(ParentLink, ChildResult)
    }

    /// The shard.
    public var shard: ShardID
    /// What is asked for.
    public var content: Content

    /// A message from its parts.
    public init(to shard: ShardID, _ content: Content) {
        self.shard = shard
        self.content = content
    }
}

/// A message that waits in the store.
public struct StoredMail: Hashable, Sendable {
    /// The store's number for it; says nothing about order across shards.
    public var id: Int64
    /// The message.
    public var mail: Mail

    /// A stored message from its parts.
    public init(id: Int64, mail: Mail) {
        self.id = id
        self.mail = mail
    }
}

/// What an operator did.
public struct AuditEntry: Hashable, Sendable {
    /// When.
    public var at: Instant
    /// Who.
    public var actor: String
    /// Through what: `http`, `cli`, `library`; `mail` when another coordinator passed it on.
    public var via: String
    /// What: `apply`, `start`, `cancel`, `signal`, `retry`, `skip`, `resolve`, `migrate`.
    public var action: String
    /// To what: a run's id, a workflow's name and version.
    public var target: String
    /// How it was before, in a word.
    public var before: String?
    /// How it is after, in a word.
    public var after: String?

    /// The entry as it is true once starts were left out: what named one of them names the run that was there.
    package func corrected(for refused: [RunID: KeyedRun]) -> AuditEntry {
        guard !refused.isEmpty, let run = RunID(self.target), let found = refused[run] else { return self }
        var entry = self
        entry.target = found.run.description
        entry.after = Self.foundByKey
        return entry
    }

    /// What ``after`` says of a start whose key named a run that was there.
    ///
    /// It is stored: it may never change.
    package static let foundByKey = "found by its key"

    /// An entry from its parts.
    public init(
        at: Instant,
        actor: String,
        via: String,
        action: String,
        target: String,
        before: String? = nil,
        after: String? = nil
    ) {
        self.at = at
        self.actor = actor
        self.via = via
        self.action = action
        self.target = target
        self.before = before
        self.after = after
    }
}
