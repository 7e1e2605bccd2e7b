// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A message in the flat form that stores keep.
///
/// What a kind needs besides run and sender is in the payload, in a small binary form with a version byte.
public struct MailRow: Hashable, Sendable {
    /// What kind of message it is; numbers are never reused.
    enum Kind: Int16, CaseIterable {
        case cancel = 1
        case order = 2
        case startChild = 3
        case childEnded = 4
    }

    /// The shard that it is for.
    public var shard: ShardID
    /// What kind of message it is.
    public var kind: Int16
    /// The run that it is about.
    public var run: RunID
    /// Who sent it; empty when a run did.
    public var sender: String
    /// The rest; `nil` or empty when there is no more to say.
    public var payload: [UInt8]?

    /// A row from its columns, as a store read them.
    public init(shard: ShardID, kind: Int16, run: RunID, sender: String, payload: [UInt8]?) {
        self.shard = shard
        self.kind = kind
        self.run = run
        self.sender = sender
        self.payload = payload
    }
}

extension MailRow {
    private static let version: UInt8 = 1

    /// The row of a message.
    public init(_ mail: Mail) {
        var writer = ByteWriter()
        writer.append(byte: Self.version)
        switch mail.content {
        case .cancel(let run, let by):
            self.init(shard: mail.shard, kind: Kind.cancel.rawValue, run: run, sender: by, payload: nil)
            return
        case .order(let run, let verb, let by):
            self.init(shard: mail.shard, kind: Kind.order.rawValue, run: run, sender: by, payload: nil)
            writer.append(verb)
        case .startChild(let order):
            self.init(shard: mail.shard, kind: Kind.startChild.rawValue, run: order.run, sender: "", payload: nil)
            writer.append(short: order.workflow)
            writer.append(optional: order.version) { $0.append(compact: Int64($1)) }
            writer.append(payload: order.context)
            writer.append(fixed: order.seed)
            writer.append(order.parent)
        case .childEnded(let parent, let result):
            self.init(shard: mail.shard, kind: Kind.childEnded.rawValue, run: parent.run, sender: "", payload: nil)
            writer.append(parent)
            writer.append(result.run)
            writer.append(result.outcome)
            writer.append(optional: result.context) { $0.append(payload: $1) }
        }
        self.payload = writer.bytes
    }

    /// The kinds that this version knows, separated by commas.
    package static var knownKinds: String { Kind.allCases.map { String($0.rawValue) }.joined(separator: ", ") }

    /// The message of the row; `nil` when only a newer version knows its kind.
    ///
    /// Throws `storeCorrupt` when its payload cannot be read.
    public func mail() throws(CanoError) -> Mail? {
        guard let kind = Kind(rawValue: self.kind) else { return nil }
        guard let content = self.content(kind) else {
            throw CanoError(.storeCorrupt, "a message to run \(self.run) (\(kind)) is unreadable; restore the store")
        }
        return Mail(to: self.shard, content)
    }

    private func content(_ kind: Kind) -> Mail.Content? {
        if kind == .cancel { return .cancel(self.run, by: self.sender) }
        guard let payload = self.payload else { return nil }
        var reader = ByteReader(payload)
        guard reader.byte() == Self.version, let content = self.content(kind, &reader), reader.isAtEnd else {
            return nil
        }
        return content
    }

    private func content(_ kind: Kind, _ reader: inout ByteReader) -> Mail.Content? {
        switch kind {
        case .cancel: return .cancel(self.run, by: self.sender)
        case .order: return reader.verb().map { .order(self.run, $0, by: self.sender) }
        case .startChild:
            guard let workflow = reader.short(), let version = reader.optional({ $0.compact() }),
                let context = reader.payload(), let seed = reader.fixed(), let parent = reader.parent()
            else { return nil }
            return .startChild(
                ChildOrder(
                    run: self.run,
                    workflow: workflow,
                    version: version.value.map { Int(clamping: $0) },
                    context: context,
                    seed: seed,
                    parent: parent
                )
            )
        case .childEnded:
            guard let parent = reader.parent(), let run = reader.run(), let outcome = reader.outcome(),
                let context = reader.optional({ $0.payload() })
            else { return nil }
            return .childEnded(parent, ChildResult(run: run, outcome: outcome, context: context.value))
        }
    }
}
