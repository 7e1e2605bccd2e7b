// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
internal import Logging

/// Drives one shard under one epoch: takes events, reduces them, commits one batch, then acts.
///
/// It decides nothing. The shard lives in the loop of ``run()``; everybody else posts events.
final class ShardShell: Sendable {
    /// Why a shell stopped.
    enum End: Sendable {
        /// It was told to.
        case closed
        /// A commit named the shard as stale.
        case stale
        /// Nobody knows whether a commit was written.
        case unknown(String)
    }

    let shard: ShardID
    let epoch: Epoch
    private let mailbox = Mailbox<ShardEvent>()
    private unowned let host: EngineHost
    /// Only the loop of ``run()`` uses it; `nil` when nobody listens.
    private let observation: Guarded<Observation>?

    init(shard: ShardID, epoch: Epoch, host: EngineHost) {
        self.shard = shard
        self.epoch = epoch
        self.host = host
        self.observation = Observation(host.observers).map { Guarded($0) }
    }

    /// Hands the shard an event; false when the shell has stopped.
    @discardableResult
    func post(_ event: ShardEvent) -> Bool {
        self.host.time.busy(1)
        if self.mailbox.post(event) { return true }
        self.host.time.busy(-1)
        return false
    }

    /// Stops after what is under way.
    func close() {
        self.mailbox.close()
    }

    /// Drives the shard until it is lost or closed; what was posted before it was closed is still done.
    func run() async -> End {
        defer { self.observation?.withLock { $0.gaveUp(at: self.host.clock.now()) } }
        var effects: [ShardEffect] = []
        var shard = Shard(
            id: self.shard,
            epoch: self.epoch,
            plans: self.host.plans.all,
            at: self.host.clock.now(),
            leaseTime: self.host.configuration.leaseTTL,
            limits: self.host.configuration.limits,
            effects: &effects
        )
        if case .listening(let until) = shard.phase {
            self.host.dispatch { dispatch, _ in dispatch.listen(until: until) }
        }
        self.host.perform(effects, of: self)
        var deferred: [ShardEvent] = []
        while let events = await self.mailbox.nextUntilClosed() {
            // However many events there are, they are one thing to be busy with.
            self.host.time.busy(1 - events.count)
            let pending = deferred + events
            deferred = []
            if let end = await self.drive(&shard, pending, &deferred) {
                self.mailbox.close()
                let left = self.mailbox.take(atMost: .max).items
                self.giveBack(deferred + left)
                self.host.time.busy(-1 - left.count)
                return end
            }
            self.host.time.busy(-1)
        }
        self.giveBack(deferred)
        return .closed
    }

    /// Credit that was set aside for grants which will not happen here any more; sessions outlive the shell.
    private func giveBack(_ events: [ShardEvent]) {
        for case .grant(let grants) in events {
            self.host.dispatch { dispatch, effects in
                for grant in grants { dispatch.ungranted(grant.session, grant.offer, effects: &effects) }
            }
        }
    }

    /// The same for grants that were decided, but that nobody will be told because they are not durable.
    private func giveBack(_ shardEffects: [ShardEffect]) {
        self.host.dispatch { dispatch, effects in
            for case .send(let grant, let session) in shardEffects {
                dispatch.freed(CollectionOfOne(grant.lease), effects: &effects)
                dispatch.ended(session, CollectionOfOne(grant.lease.key), effects: &effects)
                dispatch.credit(session, 1, effects: &effects)
            }
            for case .ungranted(let offer, let session) in shardEffects {
                dispatch.ungranted(session, offer, effects: &effects)
            }
        }
    }

    /// How long grants and timers wait when the process does not trust its lease.
    private static let pause = Span(milliseconds: 100)

    private func drive(_ shard: inout Shard, _ events: [ShardEvent], _ deferred: inout [ShardEvent]) async -> End? {
        var output = self.newOutput()
        var isEarly = false
        for (index, event) in events.enumerated() {
            if event.needsTrust, !self.host.isTrusted(self.shard) {
                isEarly = true
                // Another tick will come by itself; a grant has credit set aside for it.
                if case .grant = event { deferred.append(event) }
                continue
            }
            shard.apply(event, at: self.host.clock.now(), into: &output)
            guard output.bytes >= self.host.configuration.limits.commitBytes else { continue }
            if let end = await self.commit(&shard, output) {
                deferred += events[(index + 1)...]
                return end
            }
            output = self.newOutput()
        }
        if isEarly { self.host.alarm.set(.shard(self.shard), at: self.host.clock.now().advanced(by: Self.pause)) }
        return await self.commit(&shard, output)
    }

    private func newOutput() -> ShardOutput {
        ShardOutput(shard: self.shard, epoch: self.epoch, isWatched: self.observation != nil)
    }

    /// Tells those who watch what a durable batch says.
    private func tell(_ output: ShardOutput, without refused: [RunID: KeyedRun]) {
        guard let observation = self.observation, let facts = output.facts, !facts.isEmpty else { return }
        observation.withLock { $0.tell(facts, without: refused, at: self.host.clock.now()) }
    }

    /// The same for effects that are about to be performed.
    func tell(_ effects: [ShardEffect]) {
        self.observation?.withLock { $0.tell(effects, of: self.host) }
    }

    /// Makes a batch durable, then performs what follows from it.
    private func commit(_ shard: inout Shard, _ output: ShardOutput) async -> End? {
        let end = await self.tryCommit(&shard, output)
        if end != nil { self.giveBack(output.effects) }
        return end
    }

    private func tryCommit(_ shard: inout Shard, _ output: ShardOutput) async -> End? {
        guard !output.batch.isEmpty else {
            self.tell(output, without: [:])
            self.act(on: output.effects)
            return nil
        }
        var pause = Duration.milliseconds(50)
        while true {
            switch await self.host.committer.commit(output.batch, bytes: output.bytes) {
            case .answered(let answer):
                if answer.stale.contains(self.shard) { return .stale }
                let refused = answer.refused.filter { $0.key.shard == self.shard }
                self.tell(output, without: refused)
                self.act(on: shard.committed(refused, effects: output.effects))
                return nil
            case .unknown(let message):
                return .unknown(message)
            case .failed(let code, let message):
                if code == .shuttingDown { return .closed }
                // The store has something else than we think: taking the shard again tells the truth.
                if Committer.blamesContent(code) { return .unknown(message) }
                self.host.logger.warning(
                    "commit failed, trying again",
                    metadata: ["shard": "\(self.shard.rawValue)", "code": "\(code.name)", "error": "\(message)"]
                )
                // Runs wait while the store is away; a cancelled sleep means that the process stops.
                let next = self.host.time.now.advanced(by: pause)
                do { try await self.host.time.sleep(until: next, for: .work, releasing: 1) } catch { return .closed }
                pause = min(pause * 2, .seconds(2))
            }
        }
    }

    /// Performs what follows from a commit.
    ///
    /// A slow store may have taken longer than the trust in the lease lasted: then no lease goes out any more.
    private func act(on effects: [ShardEffect]) {
        let leases = effects.lazy.compactMap { $0.lease?.lease }
        guard !leases.isEmpty, !self.host.isTrusted(self.shard) else { return self.host.perform(effects, of: self) }
        self.giveBack(effects.filter { $0.lease != nil })
        self.post(.lost(Array(leases), .unstarted))
        self.host.perform(effects.filter { $0.lease == nil }, of: self)
    }
}
