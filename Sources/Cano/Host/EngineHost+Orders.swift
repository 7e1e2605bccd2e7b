// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

extension EngineHost {
    /// Has something done with a run, here or by mail to the owner of its shard.
    ///
    /// Throws `unknownRun`, `wrongState` and whatever else the run refuses it with.
    package func order(_ verb: RunVerb, for id: RunID, caller: Caller) async throws(CanoError) -> OrderAnswer {
        let summary = try await self.run(id)
        guard !summary.status.isFinished else {
            let message = "run \(id) is over (\(summary.status.name)): there is nothing to \(verb.name)"
            throw CanoError(.wrongState, message)
        }
        if case .migrate(let version, _) = verb { try await self.define(version, for: id.shard) }
        let (call, requests) = self.requests.open([id.shard])
        let order = RunOrder(run: id, verb: verb, caller: caller.name, via: caller.via, request: requests[0])
        guard self.post(.order(order), to: id.shard) else {
            self.requests.fail(requests[0])
            _ = await self.requests.replies(to: call)
            try await self.store.post([Mail(to: id.shard, .order(id, verb, by: caller.name))])
            return .posted
        }
        switch await self.requests.replies(to: call).first {
        case .done(let isNew): return isNew ? .done : .unchanged
        case .refused(let refusal): throw CanoError(refusal.code, refusal.message)
        case .created, .taken, .cancelled, .some(nil), nil: throw Self.noAnswer
        }
    }
}

/// What became of an order for a run.
package enum OrderAnswer: String, Hashable, Sendable {
    /// It is done and durable.
    case done
    /// It changed nothing: a signal whose id was known, a run that has the version already.
    case unchanged
    /// Another process owns the run; it does it when it reads the message. The audit says what became of it.
    case posted
}
