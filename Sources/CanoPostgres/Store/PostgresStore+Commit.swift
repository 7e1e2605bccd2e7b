// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

extension PostgresStore {
    /// See ``RunStore/commit(_:)``.
    public func commit(_ batches: [ShardBatch]) async -> CommitOutcome {
        if let shard = ShardBatch.repeated(in: batches) { return ShardBatch.refusal(ofRepeated: shard) }
        var contradicted: [ShardID: Contradiction] = [:]
        for batch in batches {
            if let problem = batch.problem() { contradicted[batch.shard] = Contradiction(.invalidInput, problem) }
        }
        let sound = contradicted.isEmpty ? batches : batches.filter { contradicted[$0.shard] == nil }
        let outcome = await self.send(sound)
        guard case .answered(var answer) = outcome, !contradicted.isEmpty else { return outcome }
        answer.contradicted.merge(contradicted) { $1 }
        return .answered(answer)
    }

    private func send(_ batches: [ShardBatch]) async -> CommitOutcome {
        do {
            return .answered(try await self.commits.run(.commit(batches), within: self.options.commitTime))
        } catch {
            guard error.isContradiction else { return error.outcome(at: self.address) }
            if batches.count > 1 { return await self.sendApart(batches) }
            guard let shard = batches.first?.shard else { return error.outcome(at: self.address) }
            return await self.answer(without: shard, error.error(at: self.address))
        }
    }

    /// Sends each batch in a statement of its own, so that only the one that is refused is left out.
    ///
    /// Once one of them was answered, a failure of a later one leaves the commit half written, which is the owner's
    /// case of not knowing: it takes its shards again and reads what is there.
    private func sendApart(_ batches: [ShardBatch]) async -> CommitOutcome {
        var whole: CommitAnswer?
        for batch in batches {
            switch await self.send([batch]) {
            case .answered(let answer):
                guard var sum = whole else {
                    whole = answer
                    continue
                }
                sum.stale.formUnion(answer.stale)
                sum.refused.merge(answer.refused) { $1 }
                sum.contradicted.merge(answer.contradicted) { $1 }
                sum.now = answer.now
                whole = sum
            case .failed(let code, let message):
                return whole == nil ? .failed(code, message) : .unknown(message)
            case .unknown(let message):
                return .unknown(message)
            }
        }
        return whole.map(CommitOutcome.answered) ?? .failed(.invalidInput, "a commit without batches was refused")
    }

    /// The answer that leaves out the only batch there was; it still tells the time.
    private func answer(without shard: ShardID, _ error: CanoError) async -> CommitOutcome {
        do {
            let contradiction = Contradiction(error.code, error.message)
            return .answered(CommitAnswer(contradicted: [shard: contradiction], now: try await self.now()))
        } catch {
            return .failed(error.code, error.message)
        }
    }
}
