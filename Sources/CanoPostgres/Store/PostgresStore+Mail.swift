// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

extension PostgresStore {
    /// See ``RunStore/post(_:)``.
    public func post(_ mail: [Mail]) async throws(CanoError) {
        guard !mail.isEmpty else { return }
        let text =
            "INSERT INTO cano.inbox (shard, kind, run, sender, payload) SELECT * FROM unnest($1, $2, $3, $4, $5)"
        let rows = mail.map(MailRow.init)
        try await self.ask(
            Statement(text) { parameters in
                parameters.add(rows.map(\.shard))
                parameters.add(rows.map(\.kind))
                parameters.add(rows.map(\.run))
                parameters.texts([rows], { $0 }, { $1.sender })
                parameters.byteArrays([rows], { $0 }, { $1.payload })
            }
        )
    }

    /// See ``RunStore/mail(for:limit:)``.
    public func mail(for shards: [ShardID], limit: Int) async throws(CanoError) -> [StoredMail] {
        let text = """
            SELECT id, shard, kind, run, sender, payload FROM cano.inbox WHERE shard = ANY ($1) ORDER BY id LIMIT $2
            """
        return try await self.ask(
            Statement(text) { parameters in
                parameters.add(shards)
                parameters.add(Int64(limit))
            } read: { (rows) throws(CanoError) in
                try rows.compactMap { (row) throws(CanoError) -> StoredMail? in
                    let mail = MailRow(
                        shard: try row.shard(1),
                        kind: try row.some(2, try row.number(2, as: Int16.self)),
                        run: try row.some(3, try row.run(3)),
                        sender: try row.some(4, row.text(4)),
                        payload: row.bytes(5)
                    )
                    // What only a newer version knows waits for an owner of that version.
                    guard let mail = try mail.mail() else { return nil }
                    return StoredMail(id: try row.some(0, try row.number(0)), mail: mail)
                }
            }
        )
    }

    /// See ``RunStore/record(_:)``.
    public func record(_ audit: AuditEntry) async throws(CanoError) {
        let text = """
            INSERT INTO cano.audit (at, actor, via, action, target, before, after) VALUES ($1, $2, $3, $4, $5, $6, $7)
            """
        try await self.ask(
            Statement(text) { parameters in
                parameters.add(audit.at)
                parameters.add(audit.actor)
                parameters.add(audit.via)
                parameters.add(audit.action)
                parameters.add(audit.target)
                parameters.add(audit.before)
                parameters.add(audit.after)
            }
        )
    }

    /// See ``RunStore/audit(limit:)``.
    public func audit(limit: Int) async throws(CanoError) -> [AuditEntry] {
        let text = "SELECT at, actor, via, action, target, before, after FROM cano.audit ORDER BY id DESC LIMIT $1"
        return try await self.ask(
            Statement(text) { parameters in
                parameters.add(Int64(limit))
            } read: { (rows) throws(CanoError) in
                try rows.map { (row) throws(CanoError) in
                    AuditEntry(
                        at: try row.some(0, try row.instant(0)),
                        actor: try row.some(1, row.text(1)),
                        via: try row.some(2, row.text(2)),
                        action: try row.some(3, row.text(3)),
                        target: try row.some(4, row.text(4)),
                        before: row.text(5),
                        after: row.text(6)
                    )
                }
            }
        )
    }
}
