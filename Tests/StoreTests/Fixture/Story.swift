// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Draws operations on a store from a seed: mostly sensible ones, and some of every mistake.
struct Story {
    enum Operation {
        case take([ShardClaim], HostID)
        case release([ShardID: Epoch], HostID)
        case post([Mail])
        case commit([ShardBatch])
    }

    private static let shards = (0..<4).map { ShardID(rawValue: $0) }

    private var random: SplitMix64
    private var sample: Sample
    private var epochs: [ShardID: Epoch] = [:]
    /// The runs that the store must have, with the number of their records, and whether they ended.
    private var runs: [(run: RunID, rows: Int, isOver: Bool)] = []
    /// Each mail's number in the model and in the store under test.
    private var mail: [(model: Int64, store: Int64)] = []

    init(seed: UInt64) {
        self.random = SplitMix64(seed: seed)
        self.sample = Sample(seed: seed)
    }

    // MARK: - Drawing

    mutating func draw(_ bound: Int) -> Int {
        Int(self.random.next() % UInt64(bound))
    }

    private mutating func happens(_ percent: Int) -> Bool { self.draw(100) < percent }

    private mutating func one<Element>(of elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[self.draw(elements.count)]
    }

    mutating func shard() -> ShardID { ShardID(rawValue: UInt8(self.draw(4))) }

    mutating func key() -> String { "key \(self.draw(12))" }

    mutating func knownRun() -> RunID? { self.one(of: self.runs)?.run }

    mutating func token() -> Token {
        Token(epoch: Epoch(rawValue: Int64(self.draw(4))), counter: Int64(self.draw(6)))
    }

    mutating func query() -> RunQuery {
        var query = RunQuery { $0.limit = self.draw(20) }
        if self.happens(30) { query.workflow = self.happens(50) ? "order" : "other" }
        if self.happens(30) { query.status = self.one(of: RunStatus.allCases) }
        if self.happens(30) { query.before = self.knownRun() }
        return query
    }

    mutating func next() -> Operation {
        let host = self.happens(50) ? Sample.host : Sample.otherHost
        switch self.draw(10) {
        case 0:
            let claims = (0..<self.draw(4))
                .map { _ in
                    let shard = self.shard()
                    let seen = self.epochs[shard]?.rawValue ?? 0
                    return ShardClaim(shard: shard, seen: Epoch(rawValue: seen + (self.happens(20) ? 1 : 0)))
                }
            return .take(claims, host)
        case 1:
            let shard = self.shard()
            return .release([shard: self.epochs[shard] ?? Epoch(rawValue: 0)], host)
        case 2:
            return .post((0..<self.draw(3)).map { _ in self.letter() })
        default:
            var batches: [ShardBatch] = []
            for _ in 0...self.draw(3) {
                let batch = self.batch()
                // Of a shard that is named twice, nothing is written.
                if self.happens(3) || !batches.contains(where: { $0.shard == batch.shard }) { batches.append(batch) }
            }
            return .commit(batches)
        }
    }

    private mutating func letter() -> Mail {
        let shard = self.shard()
        return Mail(to: shard, .cancel(self.sample.run(in: shard), by: "host \(self.draw(9))"))
    }

    private mutating func batch() -> ShardBatch {
        let shard = self.shard()
        let epoch = self.epochs[shard]?.rawValue ?? 1
        var batch = ShardBatch(shard: shard, epoch: Epoch(rawValue: epoch - (self.happens(10) ? 1 : 0)))
        for _ in 0..<self.draw(4) { self.start(in: &batch) }
        for known in self.runs where known.run.shard == shard && self.happens(25) {
            if !known.isOver || self.happens(4) { self.goOn(known.run, rows: known.rows, in: &batch) }
        }
        if self.happens(20) { batch.mail.append(self.letter()) }
        for letter in self.mail where self.happens(30) { batch.consumed.append(letter.model) }
        if self.happens(10) {
            batch.audit.append(
                AuditEntry(at: Sample.time, actor: "a\(self.draw(99))", via: "cli", action: "x", target: "y")
            )
        }
        return batch
    }

    private mutating func start(in batch: inout ShardBatch) {
        let run = self.sample.run(in: batch.shard)
        let status = self.one(of: [RunStatus.active, .waiting, .compensating, .blocked]) ?? .active
        let wakeAt = Sample.time.advanced(by: Span(milliseconds: Int64(self.draw(100))))
        batch.add(
            Sample.start(
                run,
                key: self.happens(60) ? self.key() : nil,
                hash: Int64(self.draw(100)),
                status: status,
                wakeAt: status == .waiting ? wakeAt : nil,
                workflow: self.happens(70) ? "order" : "other"
            )
        )
        if self.happens(30) { self.goOn(run, rows: 1, in: &batch) }
    }

    /// Appends some records, with a gap once in a while, and perhaps a new status or the end.
    private mutating func goOn(_ run: RunID, rows: Int, in batch: inout ShardBatch) {
        var seq = rows
        for _ in 0..<self.draw(4) {
            seq += self.happens(2) ? 2 : 1
            let kinds = HistoryRow.Kind.allCases.filter { $0 != .started && $0 != .finished }
            var row = Sample.row(run, seq, self.one(of: kinds) ?? .entered)
            if self.happens(60) {
                row.token = self.token()
                row.path = WorkPath.branch(self.draw(3)).description
            }
            if row.kind == .entered && seq > 2 { row.split = 2...(seq - 1) }
            row.payload = Payload(bytes: [UInt8](repeating: 7, count: self.draw(40)), type: .json)
            batch.history.append(row)
        }
        if self.happens(20) {
            let status = self.one(of: [RunStatus.succeeded, .failed, .cancelled, .timedOut]) ?? .succeeded
            batch.finish(run, seq: seq + 1, status: status, note: self.happens(50) ? "note" : nil)
        } else if self.happens(40) {
            let status = self.one(of: [RunStatus.active, .waiting, .compensating, .blocked]) ?? .active
            let wakeAt = Sample.time.advanced(by: Span(milliseconds: Int64(self.draw(100))))
            batch.updates.append(RunUpdate(run: run, status: status, wakeAt: wakeAt, note: "n\(self.draw(9))"))
        }
    }

    // MARK: - Remembering

    mutating func taken(_ epochs: [ShardID: Epoch]) {
        self.epochs.merge(epochs) { $1 }
    }

    mutating func committed(_ batches: [ShardBatch], _ outcome: CommitOutcome) {
        guard let answer = outcome.answer else { return }
        for batch in batches
        where !answer.stale.contains(batch.shard) && answer.contradicted[batch.shard] == nil {
            for row in batch.history where answer.refused[row.run] == nil {
                if let index = self.runs.firstIndex(where: { $0.run == row.run }) {
                    self.runs[index].rows = row.seq
                    if row.kind == .finished { self.runs[index].isOver = true }
                } else {
                    self.runs.append((row.run, row.seq, row.kind == .finished))
                }
            }
        }
    }

    mutating func sees(model: [StoredMail], store: [StoredMail]) {
        self.mail = zip(model, store).map { ($0.id, $1.id) }
    }

    /// The batch with the numbers that the store under test gave to the mail.
    func translated(_ batch: ShardBatch) -> ShardBatch {
        var batch = batch
        batch.consumed = batch.consumed.compactMap { id in self.mail.first { $0.model == id }?.store }
        return batch
    }
}
