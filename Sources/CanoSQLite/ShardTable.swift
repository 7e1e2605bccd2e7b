// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import GRDB

/// Who owns which shard.
struct ShardTable {
    private let database: Database

    init(_ database: Database) {
        self.database = database
    }

    func all(at now: Instant) throws -> [ShardLease] {
        let leases = try SQLStatement(
            "SELECT shard, epoch, holder, expires_at FROM shard ORDER BY shard",
            in: self.database
        )
        return try leases.all { columns in
            let shard = ShardID(rawValue: UInt8(truncatingIfNeeded: try columns.number()))
            let epoch = Epoch(rawValue: try columns.number())
            let holder = columns.string().map(HostID.init(rawValue:))
            let left = holder == nil ? 0 : try columns.time().milliseconds(since: now)
            return ShardLease(shard: shard, epoch: epoch, holder: holder, remaining: Span(milliseconds: left))
        }
    }

    func take(_ claims: [ShardClaim], for host: HostID, until: Instant) throws -> [ShardID: Epoch] {
        let take = try SQLStatement(
            "UPDATE shard SET epoch = epoch + 1, holder = ?, expires_at = ? WHERE shard = ? AND epoch = ?",
            in: self.database
        )
        var taken: [ShardID: Epoch] = [:]
        for claim in claims {
            take.add(host.rawValue).add(until).add(Int(claim.shard.rawValue)).add(claim.seen.rawValue)
            guard try take.run() == 1 else { continue }
            taken[claim.shard] = Epoch(rawValue: claim.seen.rawValue + 1)
        }
        return taken
    }

    func renew(
        _ held: [ShardID: Epoch],
        for host: HostID,
        until: Instant,
        at now: Instant
    ) throws -> Set<ShardID> {
        let renew = try SQLStatement(
            "UPDATE shard SET expires_at = ? WHERE shard = ? AND epoch = ? AND holder = ? AND expires_at > ?",
            in: self.database
        )
        var renewed: Set<ShardID> = []
        for (shard, epoch) in held {
            renew.add(until).add(Int(shard.rawValue)).add(epoch.rawValue).add(host.rawValue).add(now)
            if try renew.run() == 1 { renewed.insert(shard) }
        }
        return renewed
    }

    /// Ends every lease: whoever opens the file has its lock, so no process that took a shard is alive.
    ///
    /// Epochs stay, and with them the fence; so does the name of a holder, who died without releasing the shard.
    func endAll() throws {
        try SQLStatement("UPDATE shard SET expires_at = 0 WHERE holder IS NOT NULL", in: self.database).run()
    }

    func release(_ held: [ShardID: Epoch], for host: HostID) throws {
        let release = try SQLStatement(
            "UPDATE shard SET holder = NULL WHERE shard = ? AND epoch = ? AND holder = ?",
            in: self.database
        )
        for (shard, epoch) in held {
            try release.add(Int(shard.rawValue)).add(epoch.rawValue).add(host.rawValue).run()
        }
    }
}
