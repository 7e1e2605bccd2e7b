// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension ShardShell {
    /// Tells those who watch what a durable batch says.
    func tell(_ output: ShardOutput, without refused: [RunID: KeyedRun]) {
        guard let observation = self.observation, let facts = output.facts, !facts.isEmpty else { return }
        observation.withLock { $0.tell(facts, without: refused, at: self.host.clock.now()) }
    }

    /// The same for effects that are about to be performed.
    func tell(_ effects: [ShardEffect]) {
        self.observation?.withLock { $0.tell(effects, of: self.host) }
    }

    /// Performs what follows from a commit.
    ///
    /// A slow store may have taken longer than the trust in the lease lasted: then no lease goes out any more.
    func act(on effects: [ShardEffect]) {
        guard effects.contains(where: { $0.isGrant }), !self.host.isTrusted(self.shard) else {
            return self.host.perform(effects, of: self)
        }
        let leases = effects.compactMap { $0.lease?.lease }
        self.giveBack(effects.filter(\.isGrant))
        self.post(.lost(leases, .unstarted))
        self.host.perform(effects.filter { !$0.isGrant }, of: self)
    }

    /// Credit that was set aside for grants which will not happen here any more; sessions outlive the shell.
    func giveBack(_ events: some Sequence<ShardEvent>) {
        self.host.dispatch { $0.giveBack(events, effects: &$1) }
    }

    /// The same for grants that were decided, but that nobody will be told because they are not durable.
    func giveBack(_ shardEffects: [ShardEffect]) {
        self.host.dispatch { $0.giveBack(shardEffects, effects: &$1) }
    }
}
