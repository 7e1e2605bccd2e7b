// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension Statement where Answer == CommitAnswer {
    /// The one statement that writes: every column of every part is one array.
    static func commit(_ batches: [ShardBatch]) -> Self {
        var statement = Statement(Self.text) { parameters in
            parameters.addFence(batches)
            parameters.addStarts(batches)
            parameters.addHistory(batches)
            parameters.addUpdates(batches)
            parameters.addFinished(batches)
            parameters.addMail(batches)
            parameters.addAudit(batches)
        } read: { (rows) throws(CanoError) in
            let row = try rows.first()
            let stale = try row.array(1) { $0.bigEndian(at: 0, as: Int16.self) }
            let runs = try row.array(2, RunID.init)
            let holders = try row.array(3, RunID.init)
            let hashes = try row.array(4) { $0.bigEndian(at: 0, as: Int64.self) }
            guard runs.count == holders.count, runs.count == hashes.count else { throw row.corrupt(2) }
            var answer = CommitAnswer(now: try row.some(0, try row.instant(0)))
            answer.stale = Set(stale.map { ShardID(rawValue: UInt8(truncatingIfNeeded: $0)) })
            for (run, (holder, hash)) in zip(runs, zip(holders, hashes)) {
                answer.refused[run] = KeyedRun(run: holder, inputHash: hash)
            }
            return answer
        }
        statement.name = "cano_commit"
        return statement
    }

    private static var text: String {
        "SELECT now, stale, refused, refused_by, refused_hash FROM cano.commit("
            + (1...59).map { "$\($0)" }.joined(separator: ",") + ")"
    }
}

extension [ShardBatch] {
    /// The updates without those that a later one of the same run replaces: one statement updates a row once.
    fileprivate var lastUpdates: [RunUpdate] {
        let updates = self.flatMap(\.updates)
        guard updates.count > 1 else { return updates }
        var last: [RunID: Int] = [:]
        for (index, update) in updates.enumerated() { last[update.run] = index }
        guard last.count < updates.count else { return updates }
        return last.values.sorted()
            .map { index in
                var update = updates[index]
                update.version = update.version ?? updates.last { $0.run == update.run && $0.version != nil }?.version
                return update
            }
    }

    /// The first record of each run that goes on: it must follow one that is stored, and that is not the run's last.
    fileprivate var continuedRows: [(run: RunID, seq: Int)] {
        var seen: Set<RunID> = []
        var rows: [(run: RunID, seq: Int)] = []
        for batch in self {
            for index in batch.history.indices where seen.insert(batch.history[index].run).inserted {
                let (run, seq) = (batch.history[index].run, batch.history[index].seq)
                if seq > 1 { rows.append((run, seq)) }
            }
        }
        return rows
    }
}

extension Parameters {
    fileprivate mutating func addFence(_ batches: [ShardBatch]) {
        self.add(batches.map(\.shard))
        self.add(batches.map(\.epoch.rawValue))
    }

    fileprivate mutating func addStarts(_ batches: [ShardBatch]) {
        self.uuids(batches, { $0.starts }, { $1.run })
        self.texts(batches, { $0.starts }, { $1.definition.name })
        self.int32s(batches, { $0.starts }, { $1.definition.version })
        self.texts(batches, { $0.starts }, { $1.key })
        self.int64s(batches, { $0.starts }, { $1.inputHash })
        self.int64s(batches, { $0.starts }, { Int64(bitPattern: $1.seed) })
        self.instants(batches, { $0.starts }, { $1.at })
        self.instants(batches, { $0.starts }, { $1.deadline })
        self.int16s(batches, { $0.starts }, { $1.status.rawValue })
        self.instants(batches, { $0.starts }, { $1.wakeAt })
    }

    fileprivate mutating func addHistory(_ batches: [ShardBatch]) {
        self.uuids(batches, { $0.history }, { $1.run })
        self.instants(batches, { $0.history }, { $1.at })
        self.instants(batches, { $0.history }, { $1.startedAt })
        self.instants(batches, { $0.history }, { $1.due })
        self.int64s(batches, { $0.history }, { $1.token?.epoch.rawValue })
        self.int64s(batches, { $0.history }, { $1.token?.counter })
        self.int64s(batches, { $0.history }, { $1.number })
        self.int32s(batches, { $0.history }, { $1.seq })
        self.int32s(batches, { $0.history }, { $1.visit })
        self.int32s(batches, { $0.history }, { $1.attempt })
        self.int32s(batches, { $0.history }, { $1.split?.lowerBound })
        self.int32s(batches, { $0.history }, { $1.split?.upperBound })
        self.int16s(batches, { $0.history }, { $1.kind.rawValue })
        self.int16s(batches, { $0.history }, { ($1.payload?.type.rawValue).map(Int16.init) })
        self.texts(batches, { $0.history }, { $1.state })
        self.texts(batches, { $0.history }, { $1.path })
        self.texts(batches, { $0.history }, { $1.worker })
        self.texts(batches, { $0.history }, { $1.reason })
        self.texts(batches, { $0.history }, { $1.detail })
        self.byteArrays(batches, { $0.history }, { $1.payload?.bytes })
        let continued = [batches.continuedRows]
        self.uuids(continued, { $0 }, { $1.run })
        self.int32s(continued, { $0 }, { $1.seq })
    }

    fileprivate mutating func addUpdates(_ batches: [ShardBatch]) {
        let updates = [batches.lastUpdates]
        self.uuids(updates, { $0 }, { $1.run })
        self.int16s(updates, { $0 }, { $1.status.rawValue })
        self.instants(updates, { $0 }, { $1.wakeAt })
        self.texts(updates, { $0 }, { $1.note })
        self.int32s(updates, { $0 }, { $1.version })
    }

    fileprivate mutating func addFinished(_ batches: [ShardBatch]) {
        self.uuids(batches, { $0.finished }, { $1.run })
        self.int16s(batches, { $0.finished }, { $1.status.rawValue })
        self.instants(batches, { $0.finished }, { $1.at })
        self.texts(batches, { $0.finished }, { $1.note })
    }

    fileprivate mutating func addMail(_ batches: [ShardBatch]) {
        self.int16s(batches, { $0.mail }, { batch, _ in Int16(batch.shard.rawValue) })
        self.int16s(batches, { $0.mail }, { Int16($1.shard.rawValue) })
        let rows = [batches.flatMap { $0.mail.map { MailRow($0) } }]
        self.int16s(rows, { $0 }, { $1.kind })
        self.uuids(rows, { $0 }, { $1.run })
        self.texts(rows, { $0 }, { $1.sender })
        self.byteArrays(rows, { $0 }, { $1.payload })
        self.int16s(batches, { $0.consumed }, { batch, _ in Int16(batch.shard.rawValue) })
        self.int64s(batches, { $0.consumed }, { $1 })
    }

    fileprivate mutating func addAudit(_ batches: [ShardBatch]) {
        self.int16s(batches, { $0.audit }, { batch, _ in Int16(batch.shard.rawValue) })
        self.instants(batches, { $0.audit }, { $1.at })
        self.texts(batches, { $0.audit }, { $1.actor })
        self.texts(batches, { $0.audit }, { $1.via })
        self.texts(batches, { $0.audit }, { $1.action })
        self.texts(batches, { $0.audit }, { $1.target })
        self.texts(batches, { $0.audit }, { $1.before })
        self.texts(batches, { $0.audit }, { $1.after })
    }
}
