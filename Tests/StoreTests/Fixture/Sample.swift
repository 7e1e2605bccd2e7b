// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Makes what tests store: ids, starts, records and whole batches, all of them from one seed.
struct Sample {
    static let host = HostID(rawValue: "host-a")
    static let otherHost = HostID(rawValue: "host-b")
    static let time = Instant(microseconds: 1_800_000_000_123_456)
    static let definition = DefinitionKey(name: "order", version: 3)

    private var random: SplitMix64

    init(seed: UInt64 = 1) {
        self.random = SplitMix64(seed: seed)
    }

    /// A new id.
    ///
    /// Ids of one sample rise.
    private var created: Int64 = 0

    mutating func run(in shard: ShardID) -> RunID {
        self.created += 1
        let at = Instant(microseconds: Self.time.microseconds + self.created * 1000)
        return RunID(at: at, shard: shard, random: (self.random.next(), self.random.next()))
    }

    /// A start with every column set.
    static func start(
        _ run: RunID,
        key: String? = nil,
        hash: Int64 = 7,
        status: RunStatus = .active,
        wakeAt: Instant? = nil,
        workflow: String = "order"
    ) -> RunStart {
        RunStart(
            run: run,
            definition: DefinitionKey(name: workflow, version: 3),
            key: key,
            inputHash: hash,
            seed: UInt64.max - 5,
            at: Self.time,
            deadline: Self.time.advanced(by: .seconds(60)),
            status: status,
            wakeAt: wakeAt
        )
    }

    /// A record with the columns that every record has.
    static func row(_ run: RunID, _ seq: Int, _ kind: HistoryRow.Kind) -> HistoryRow {
        HistoryRow(run: run, seq: seq, kind: kind, at: Self.time.advanced(by: Span(milliseconds: Int64(seq))))
    }

    /// A record that carries an accepted outcome.
    static func outcome(
        _ run: RunID,
        _ seq: Int,
        _ kind: HistoryRow.Kind,
        token: Token,
        path: WorkPath?
    ) -> HistoryRow {
        var row = Self.row(run, seq, kind)
        row.token = token
        row.path = path?.description
        row.attempt = 1
        return row
    }

    /// A record with every column set, to see that none is lost.
    static func full(_ run: RunID, _ seq: Int, _ kind: HistoryRow.Kind) -> HistoryRow {
        var row = Self.row(run, seq, kind)
        row.state = "charge — Grüße, \u{1F600}"
        row.visit = 12
        row.path = "branch/17"
        row.attempt = 3
        row.token = Token(epoch: Epoch(rawValue: 1 << 40), counter: .max)
        row.worker = "worker-2-4711"
        row.startedAt = Instant(microseconds: -1)
        row.due = Instant(microseconds: .max)
        row.reason = "timeout"
        row.detail = ""
        row.number = .min
        row.split = 2...5
        row.payload = Payload(bytes: [0, 255, 39, 92, 0], type: .binary)
        return row
    }
}

extension ShardBatch {
    /// A batch that creates a run with its first record.
    static func starting(_ start: RunStart, epoch: Epoch) -> ShardBatch {
        var batch = ShardBatch(shard: start.run.shard, epoch: epoch)
        batch.add(start)
        return batch
    }

    mutating func add(_ start: RunStart) {
        self.starts.append(start)
        self.history.append(Sample.row(start.run, 1, .started))
    }

    /// Ends a run with its last record.
    mutating func finish(_ run: RunID, seq: Int, status: RunStatus = .succeeded, note: String? = nil) {
        self.history.append(Sample.row(run, seq, .finished))
        let at = Sample.time.advanced(by: Span(milliseconds: Int64(seq)))
        self.finished.append(RunFinish(run: run, status: status, at: at, note: note))
    }
}

extension RunStore {
    /// Takes shards that nobody took yet and gives their epochs.
    func own(_ shards: ShardID...) async throws -> [ShardID: Epoch] {
        try await self.own(shards, as: Sample.host)
    }

    /// Takes shards that nobody took yet and gives their epochs.
    func own(_ shards: [ShardID], as host: HostID) async throws -> [ShardID: Epoch] {
        let claims = shards.map { ShardClaim(shard: $0, seen: Epoch(rawValue: 0)) }
        return try await self.take(claims, for: host, ttl: .seconds(60))
    }

    /// Takes one shard that nobody took yet.
    func own(_ shard: ShardID) async throws -> Epoch {
        guard let epoch = try await self.own([shard], as: Sample.host)[shard] else { throw TestFailure("not taken") }
        return epoch
    }

    /// Commits batches that must be written as a whole.
    @discardableResult
    func write(_ batches: ShardBatch...) async throws -> CommitAnswer {
        let outcome = await self.commit(batches)
        guard case .answered(let answer) = outcome else { throw TestFailure("\(outcome)") }
        return answer
    }
}

/// A test that cannot go on.
struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension CommitOutcome {
    /// The code of a commit that failed, or of its only batch that cannot be true.
    var failure: CanoError.Code? {
        switch self {
        case .failed(let code, _): code
        case .answered(let answer):
            answer.contradicted.count == 1 ? answer.contradicted.values.first?.code : nil
        case .unknown: nil
        }
    }

    /// The answer of a commit that did not fail.
    var answer: CommitAnswer? {
        guard case .answered(let answer) = self else { return nil }
        return answer
    }
}
