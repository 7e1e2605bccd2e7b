// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

extension PostgresStore {
    /// How many keys or stray runs one statement deletes.
    private static let rowsAtOnce: Int32 = 5000
    /// How many rows of unfinished runs may be moved while commits wait; a week with more is dropped later.
    private static let rowsMoved: Int32 = 50_000

    /// See ``RunStore/keepUp(retention:)``; runs are forgotten by the week in which they were started.
    public func keepUp(retention: Span?) async throws(CanoError) -> Upkeep {
        try await self.ensurePartitions()
        var upkeep = Upkeep()
        guard let retention else { return upkeep }
        let before = try await self.now().preceded(by: retention)
        for week in try await self.dueWeeks(before) {
            try await self.forgetKeys(of: week)
            guard !Task.isCancelled else { return upkeep }
            let dropped = try await self.drop(week, before)
            upkeep.forgotten += dropped.forgotten
            upkeep.moved += dropped.moved
        }
        while !Task.isCancelled {
            let count = try await self.forgetStrays(before)
            upkeep.forgotten += count
            if count < Self.rowsAtOnce { break }
        }
        return upkeep
    }

    /// Makes the partitions of the coming weeks where they are missing, and says how many it made.
    ///
    /// Opening does it too. Without it nothing is lost: rows go to the default partition.
    @discardableResult
    func ensurePartitions() async throws(CanoError) -> Int {
        try await self.ask(
            Statement("SELECT cano.ensure_partitions()") { (rows) throws(CanoError) in
                let row = try rows.first()
                return try row.some(0, try row.int(0))
            }
        )
    }

    private func dueWeeks(_ before: Instant) async throws(CanoError) -> [String] {
        try await self.ask(
            Statement("SELECT week FROM cano.due_weeks($1)") { parameters in
                parameters.add(before)
            } read: { (rows) throws(CanoError) in
                try rows.map { (row) throws(CanoError) in try row.some(0, row.text(0)) }
            }
        )
    }

    private func forgetKeys(of week: String) async throws(CanoError) {
        var last: RunID? = RunID(high: 0, low: 0)
        while let after = last, !Task.isCancelled {
            last = try await self.ask(
                Statement("SELECT cano.forget_keys($1, $2, $3)") { parameters in
                    parameters.add(week)
                    parameters.add(after)
                    parameters.add(Self.rowsAtOnce)
                } read: { (rows) throws(CanoError) in
                    try rows.first().run(0)
                }
            )
        }
    }

    private func drop(_ week: String, _ before: Instant) async throws(CanoError) -> Upkeep {
        try await self.ask(
            Statement("SELECT forgotten, moved FROM cano.drop_week($1, $2, $3)") { parameters in
                parameters.add(week)
                parameters.add(before)
                parameters.add(Self.rowsMoved)
            } read: { (rows) throws(CanoError) in
                let row = try rows.first()
                let (forgotten, moved) = (try row.int(0), try row.int(1))
                return Upkeep(forgotten: try row.some(0, forgotten), moved: try row.some(1, moved))
            }
        )
    }

    private func forgetStrays(_ before: Instant) async throws(CanoError) -> Int {
        try await self.ask(
            Statement("SELECT cano.forget_strays($1, $2)") { parameters in
                parameters.add(before)
                parameters.add(Self.rowsAtOnce)
            } read: { (rows) throws(CanoError) in
                let row = try rows.first()
                return try row.some(0, try row.int(0))
            }
        )
    }
}
