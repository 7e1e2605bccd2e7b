// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

extension PostgresStore {
    /// See ``RunStore/shards()``.
    public func shards() async throws(CanoError) -> [ShardLease] {
        let text = """
            SELECT shard, epoch, holder,
                greatest(0, ceil(extract(epoch FROM expires_at - cano.now()) * 1000))::bigint
            FROM cano.shard ORDER BY shard
            """
        return try await self.ask(
            Statement(text) { (rows) throws(CanoError) in
                try rows.map { (row) throws(CanoError) in
                    ShardLease(
                        shard: try row.shard(0),
                        epoch: Epoch(rawValue: try row.some(1, try row.number(1))),
                        holder: row.text(2).map(HostID.init(rawValue:)),
                        remaining: Span(milliseconds: try row.number(3) ?? 0)
                    )
                }
            }
        )
    }

    /// See ``RunStore/take(_:for:ttl:)``.
    public func take(
        _ claims: [ShardClaim],
        for host: HostID,
        ttl: Span
    ) async throws(CanoError) -> [ShardID: Epoch] {
        let patience = self.options.takeTime
        let statement = Statement("SELECT shard, epoch FROM cano.take_shards($1, $2, $3, $4, $5)") { parameters in
            parameters.add(claims.map(\.shard))
            parameters.add(claims.map(\.seen.rawValue))
            parameters.add(host.rawValue)
            parameters.add(ttl.milliseconds)
            parameters.add(Int32(clamping: Span(patience).milliseconds))
        } read: { (rows) throws(CanoError) in
            var taken: [ShardID: Epoch] = [:]
            for row in try rows.map({ $0 }) {
                taken[try row.shard(0)] = Epoch(rawValue: try row.some(1, try row.number(1)))
            }
            return taken
        }
        return try await self.ask(statement, within: self.options.queryTime + patience)
    }

    /// See ``RunStore/renew(_:for:ttl:)``.
    public func renew(
        _ held: [ShardID: Epoch],
        for host: HostID,
        ttl: Span
    ) async throws(CanoError) -> Set<ShardID> {
        let statement = Statement("SELECT shard FROM cano.renew_shards($1, $2, $3, $4)") { parameters in
            parameters.add(held.map(\.key))
            parameters.add(held.map(\.value.rawValue))
            parameters.add(host.rawValue)
            parameters.add(ttl.milliseconds)
        } read: { (rows) throws(CanoError) in
            Set(try rows.map { (row) throws(CanoError) in try row.shard(0) })
        }
        return try await self.ask(statement)
    }

    /// See ``RunStore/release(_:for:)``.
    public func release(_ held: [ShardID: Epoch], for host: HostID) async throws(CanoError) {
        try await self.ask(
            Statement("SELECT cano.release_shards($1, $2, $3)") { parameters in
                parameters.add(held.map(\.key))
                parameters.add(held.map(\.value.rawValue))
                parameters.add(host.rawValue)
            }
        )
    }
}

extension Row {
    func shard(_ column: Int32) throws(CanoError) -> ShardID {
        guard let shard = UInt8(exactly: try self.some(column, try self.number(column, as: Int16.self))) else {
            throw self.corrupt(column)
        }
        return ShardID(rawValue: shard)
    }
}
