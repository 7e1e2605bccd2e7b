// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

extension PostgresStore {
    /// See ``RunStore/summary(of:)``.
    public func summary(of run: RunID) async throws(CanoError) -> RunSummary? {
        let text = """
            SELECT \(Self.openColumns) FROM cano.run WHERE run = $1
            UNION ALL SELECT \(Self.overColumns) FROM cano.run_finished WHERE run = $1
            """
        return try await self.ask(
            Statement(text) { parameters in
                parameters.add(run)
            } read: { (rows) throws(CanoError) in
                try rows.map { (row) throws(CanoError) in try Self.summary(row) }.first
            }
        )
    }

    /// See ``RunStore/run(forKey:)``.
    public func run(forKey key: RunKey) async throws(CanoError) -> KeyedRun? {
        try await self.ask(
            Statement("SELECT run, input_hash FROM cano.run_key WHERE workflow = $1 AND key = $2") { parameters in
                parameters.add(key.workflow)
                parameters.add(key.key)
            } read: { (rows) throws(CanoError) in
                try rows.map { (row) throws(CanoError) in
                    KeyedRun(run: try row.some(0, try row.run(0)), inputHash: try row.some(1, try row.number(1)))
                }
                .first
            }
        )
    }

    /// See ``RunStore/summaries(_:)``.
    public func summaries(_ query: RunQuery) async throws(CanoError) -> [RunSummary] {
        var conditions = ["run < $1"]
        if query.workflow != nil { conditions.append("workflow = $3") }
        if let status = query.status { conditions.append("status = \(status.rawValue)") }
        let page = "WHERE \(conditions.joined(separator: " AND ")) ORDER BY run DESC LIMIT $2"
        var parts: [String] = []
        if query.status?.isFinished != true { parts.append("(SELECT \(Self.openColumns) FROM cano.run \(page))") }
        if query.status?.isFinished != false {
            parts.append("(SELECT \(Self.overColumns) FROM cano.run_finished \(page))")
        }
        let text = "SELECT * FROM (\(parts.joined(separator: " UNION ALL "))) AS r ORDER BY run DESC LIMIT $2"
        return try await self.ask(
            Statement(text) { parameters in
                parameters.add(query.before ?? RunID(high: .max, low: .max))
                parameters.add(Int64(query.limit))
                if let workflow = query.workflow { parameters.add(workflow) }
            } read: { (rows) throws(CanoError) in
                try rows.map { (row) throws(CanoError) in try Self.summary(row) }
            }
        )
    }

    /// See ``RunStore/history(of:after:limit:)``.
    public func history(of run: RunID, after: Int, limit: Int) async throws(CanoError) -> [HistoryRow] {
        let text = "SELECT \(Row.historyColumns) FROM cano.history WHERE run = $1 AND seq > $2 ORDER BY seq LIMIT $3"
        return try await self.ask(
            Statement(text) { parameters in
                parameters.add(run)
                parameters.add(Int32(clamping: after))
                parameters.add(Int64(limit))
            } read: { (rows) throws(CanoError) in
                try rows.map { (row) throws(CanoError) in try row.history(from: 0) }
            }
        )
    }

    private static let openColumns =
        "run, workflow, version, key, status, started_at, NULL::timestamptz AS finished_at, wake_at, note"
    private static let overColumns =
        "run, workflow, version, key, status, started_at, finished_at, NULL::timestamptz AS wake_at, note"

    private static func summary(_ row: Row) throws(CanoError) -> RunSummary {
        RunSummary(
            run: try row.some(0, try row.run(0)),
            definition: DefinitionKey(name: try row.some(1, row.text(1)), version: try row.some(2, try row.int(2))),
            key: row.text(3),
            status: try row.status(4),
            startedAt: try row.some(5, try row.instant(5)),
            finishedAt: try row.instant(6),
            wakeAt: try row.instant(7),
            note: row.text(8)
        )
    }
}
