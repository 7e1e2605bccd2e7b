// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

extension PostgresStore {
    /// See ``RunStore/runnable(in:before:waitingOnly:after:limit:)``.
    public func runnable(
        in shard: ShardID,
        before horizon: Instant,
        waitingOnly: Bool,
        after: RunID?,
        limit: Int
    ) async throws(CanoError) -> [StoredRun] {
        let text = "SELECT \(Self.loadedColumns) FROM cano.load_runs(cano.runnable($1, $2, $3, $4, $5))"
        return try await self.ask(
            Statement(text) { parameters in
                parameters.add(Int16(shard.rawValue))
                parameters.add(horizon)
                parameters.add(waitingOnly)
                parameters.add(after ?? RunID(high: 0, low: 0))
                parameters.add(Int32(clamping: limit))
            } read: { (rows) throws(CanoError) in
                try Self.storedRuns(rows)
            }
        )
    }

    /// See ``RunStore/load(_:)``.
    public func load(_ run: RunID) async throws(CanoError) -> StoredRun? {
        let text = "SELECT \(Self.loadedColumns) FROM cano.load_runs($1)"
        return try await self.ask(
            Statement(text) { parameters in
                parameters.add([run])
            } read: { (rows) throws(CanoError) in
                try Self.storedRuns(rows).first
            }
        )
    }

    /// See ``RunStore/hasOutcome(of:run:path:)``.
    public func hasOutcome(of token: Token, run: RunID, path: WorkPath) async throws(CanoError) -> Bool {
        let text = """
            SELECT EXISTS (
                SELECT FROM cano.history
                WHERE run = $1 AND epoch = $2 AND counter = $3 AND (path = $4 OR path IS NULL)
                    AND kind IN (2, 3, 4, 6, 9, 11, 13, 14, 21)
            )
            """
        return try await self.ask(
            Statement(text) { parameters in
                parameters.add(run)
                parameters.add(token.epoch.rawValue)
                parameters.add(token.counter)
                parameters.add(path.description)
            } read: { (rows) throws(CanoError) in
                try rows.first().bool(0)
            }
        )
    }

    /// The run's own columns and the part, which stand before those of the history row.
    private static let loadedColumns =
        "first, r_seed, r_hash, r_started, r_deadline, r_wake, r_version, r_status, r_workflow, r_key, part, "
        + Row.historyColumns

    private static func storedRuns(_ rows: Rows) throws(CanoError) -> [StoredRun] {
        var runs: [StoredRun] = []
        for index in 0..<rows.count {
            let row = rows[index]
            let history = try row.history(from: 11)
            if try row.bool(0) { runs.append(StoredRun(start: try Self.start(history.run, row), tail: [])) }
            // Parts come in order, the first row of the tail before all others of its run.
            guard let last = runs.indices.last, runs[last].start.run == history.run else { throw row.corrupt(11) }
            switch try row.int(10) {
            case 0: runs[last].tail.append(history)
            case 1: runs[last].pushes.append(history)
            case 2: runs[last].branches.append(history)
            case 3: runs[last].signals.append(history)
            default: throw row.corrupt(10)
            }
        }
        return runs
    }

    private static func start(_ run: RunID, _ row: Row) throws(CanoError) -> RunStart {
        RunStart(
            run: run,
            definition: DefinitionKey(
                name: try row.some(8, row.text(8)),
                version: try row.some(6, try row.int(6))
            ),
            key: row.text(9),
            inputHash: try row.some(2, try row.number(2)),
            seed: UInt64(bitPattern: try row.some(1, try row.number(1, as: Int64.self))),
            at: try row.some(3, try row.instant(3)),
            deadline: try row.instant(4),
            status: try row.status(7),
            wakeAt: try row.instant(5)
        )
    }
}
