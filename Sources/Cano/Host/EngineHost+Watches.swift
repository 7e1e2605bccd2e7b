// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
internal import Logging

/// A load that a shard asked for.
struct LoadOrder: Sendable {
    var shell: ShardShell
    var effect: ShardEffect
}

extension EngineHost {
    /// Renews the leases of our shards at a third of their time, and looks for shards that can be taken.
    func watchLeases() async {
        let pause = Duration.milliseconds(self.configuration.shardTTL.milliseconds / 3)
        while !Task.isCancelled {
            await self.renew()
            self.finishes.ringAll()
            let isComplete = self.owned.count == ShardID.count
            if !isComplete { await self.list() }
            // An incomplete owner looks more often: a peer may be gone, or a shard of ours must be taken again.
            do { try await Task.sleep(for: isComplete ? pause : min(pause, .milliseconds(500))) } catch { return }
        }
    }

    /// Returns when this process owns every shard and drives it; throws when the task is cancelled first.
    package func waitUntilOwner() async throws {
        while self.driven.count < ShardID.count { try await Task.sleep(for: .milliseconds(2)) }
    }

    private func renew() async {
        let held = self.owned
        guard !held.isEmpty else { return }
        let sentAt = self.clock.monotonic()
        do {
            let still = try await self.store.renew(held, for: self.configuration.me, ttl: self.configuration.shardTTL)
            self.ownershipEvents.post(.renewed(held, still: still, sentAt: sentAt))
        } catch {
            self.logger.warning("leases of shards not renewed", metadata: ["error": "\(error)"])
        }
    }

    private func list() async {
        do { self.ownershipEvents.post(.listed(try await self.store.shards())) } catch {
            self.logger.warning("shards not listed", metadata: ["error": "\(error)"])
        }
    }

    /// Reads the messages of our shards whenever the bell rings.
    func watchMail() async {
        while await self.mailBell.next() != nil {
            let owned = self.owned.keys.sorted()
            guard !owned.isEmpty else { continue }
            do {
                for stored in try await self.store.mail(for: owned, limit: self.configuration.limits.pageRows) {
                    try await self.define(for: stored.mail)
                    self.post(.mail(stored), to: stored.mail.shard)
                }
            } catch {
                self.logger.warning("mail not read", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Rings the bell of the mail, so that what other processes left is found; and looks for work that nobody can do.
    func ringEverySecond() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
            self.mailBell.post(())
            let (patience, now) = (self.configuration.limits.unservedTime, self.clock.monotonic())
            let runs = self.dispatch.withLock { $0.unserved(for: patience, at: now) }
            for (shard, runs) in Dictionary(grouping: runs, by: \.shard) { self.post(.unserved(runs), to: shard) }
        }
    }

    /// Tells the shard of the definitions that a message needs, as far as there are any.
    private func define(for mail: Mail) async throws(CanoError) {
        switch mail.content {
        case .startChild(let order):
            guard let plan = try await self.plan(order.workflow, version: order.version) else { return }
            self.post(.define(plan), to: mail.shard)
        case .order(_, .migrate(let version, _), _): try await self.define(version, for: mail.shard)
        case .cancel, .order, .childEnded: break
        }
    }

    /// Tells a shard of every definition of this version.
    func define(_ version: Int, for shard: ShardID) async throws(CanoError) {
        try await self.readDefinitions()
        for plan in self.plans.all where plan.key.version == version { self.post(.define(plan), to: shard) }
    }

    /// Loads what shards ask for.
    func runLoader() async {
        while let orders = await self.loads.next() {
            for order in orders { await self.load(order) }
        }
    }

    private func load(_ order: LoadOrder) async {
        var pause = Duration.milliseconds(50)
        while !Task.isCancelled {
            do { return try await self.tryLoad(order) } catch {
                self.logger.warning("load failed, trying again", metadata: ["error": "\(error)"])
            }
            do { try await Task.sleep(for: pause) } catch { return }
            pause = min(pause * 2, .seconds(2))
        }
    }

    private func tryLoad(_ order: LoadOrder) async throws(CanoError) {
        switch order.effect {
        case .load(let run):
            order.shell.post(.loaded(run, try await self.store.load(run)))
        case .loadPage(let after, let before, let waitingOnly, let limit):
            let runs = try await self.store.runnable(
                in: order.shell.shard,
                before: before,
                waitingOnly: waitingOnly,
                after: after,
                limit: limit
            )
            order.shell.post(.page(runs, waitingOnly: waitingOnly, isLast: runs.count < limit))
        case .lookUp(let lease, let session):
            let token = lease.token
            let wasAccepted = try await self.store.hasOutcome(of: token, run: lease.key.run, path: lease.key.path)
            let answer = LeaseAnswer(lease: lease, answer: wasAccepted ? .already : .lost)
            self.deliver([.answer(answer)], to: session)
        case .ready, .send, .ungranted, .adopted, .stop, .revoke, .answer, .checkpointed, .left, .reply, .finished,
            .unreadable, .wake, .posted:
            break  // these never come here
        }
    }
}
