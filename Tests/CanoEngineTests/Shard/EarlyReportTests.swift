// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

/// Reports that come while a new owner is still reading its runs.
@Suite("Early reports")
struct EarlyReportTests {
    static let now = Instant(microseconds: 1_000_000)
    static let shard = ShardID(rawValue: 3)
    static let run = RunID(at: Self.now, shard: Self.shard, random: (1, 2))

    static func effects(ofReportUnder epoch: Int64) -> [ShardEffect] {
        var effects: [ShardEffect] = []
        var shard = Shard(
            id: Self.shard,
            epoch: Epoch(rawValue: 2),
            plans: [],
            at: Self.now,
            leaseTime: .seconds(15),
            limits: Limits(),
            effects: &effects
        )
        let token = Token(epoch: Epoch(rawValue: epoch), counter: 1)
        let key = WorkKey(run: Self.run, visit: 1, path: .step)
        let report = AttemptReport(lease: LeaseRef(key: key, attempt: 1, token: token), result: .released)
        var output = ShardOutput(shard: Self.shard, epoch: Epoch(rawValue: 2))
        let worker = WorkerID(rawValue: "w1")
        shard.apply(.reports([report], from: SessionID(rawValue: 1), worker: worker), at: Self.now, into: &output)
        return output.effects
    }

    @Test("an outcome of an earlier epoch waits for its run to be read")
    func earlier() {
        let effects = Self.effects(ofReportUnder: 1)
        #expect(effects.contains { if case .load(Self.run) = $0 { true } else { false } })
        #expect(!effects.contains { if case .lookUp = $0 { true } else { false } })
    }

    @Test("an outcome of this epoch for a run that is not here is looked up")
    func own() {
        #expect(Self.effects(ofReportUnder: 2).contains { if case .lookUp = $0 { true } else { false } })
    }
}
