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
        var busy = 1
        var before: [ShardID: Epoch] = [:]
        self.time.busy(busy)
        while !Task.isCancelled {
            await self.renew()
            let owned = self.owned
            let isComplete = owned.count == ShardID.count
            if !isComplete || owned != before { self.finishes.ringAll() }
            before = owned
            if !isComplete { await self.list() }
            // An incomplete owner looks more often: a peer may be gone, or a shard of ours must be taken again.
            let next = self.time.now.advanced(by: isComplete ? pause : min(pause, .milliseconds(500)))
            let purpose = isComplete ? WaitPurpose.upkeep : .work
            do { try await self.time.sleep(until: next, for: purpose, releasing: busy) } catch { return }
            busy = 1
        }
    }

    /// How often a process that opens looks for its shards before it lets a test's time go on.
    private static let patientLooks = 500

    /// Returns when this process owns every shard and drives it; throws when the task is cancelled first.
    package func waitUntilOwner() async throws {
        var looks = 0
        defer { if looks > Self.patientLooks { self.time.awaited(-1) } }
        while self.driven.count < ShardID.count {
            looks += 1
            // It takes longer than a store needs: another process has shards, and its leases have to run out.
            if looks == Self.patientLooks + 1 { self.time.awaited(1) }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    private func renew() async {
        let held = self.owned
        guard !held.isEmpty else { return }
        let sentAt = self.clock.monotonic()
        do {
            let still = try await self.store.renew(held, for: self.configuration.me, ttl: self.configuration.shardTTL)
            self.happened(.renewed(held, still: still, sentAt: sentAt))
        } catch {
            self.logger.warning("leases of shards not renewed", metadata: ["error": "\(error)"])
        }
    }

    private func list() async {
        do { self.happened(.listed(try await self.store.shards())) } catch {
            self.logger.warning("shards not listed", metadata: ["error": "\(error)"])
        }
    }

    /// Reads the messages of our shards whenever the bell rings.
    func watchMail() async {
        while let rings = await self.mailBell.next() {
            await self.readMail()
            self.time.busy(-rings.count)
        }
    }

    private func readMail() async {
        let owned = self.owned.keys.sorted()
        guard !owned.isEmpty else { return }
        do {
            for stored in try await self.store.mail(for: owned, limit: self.configuration.limits.pageRows) {
                try await self.define(for: stored.mail)
                self.post(.mail(stored), to: stored.mail.shard)
            }
        } catch {
            self.logger.warning("mail not read", metadata: ["error": "\(error)"])
        }
    }

    /// There may be messages for our shards.
    func ringForMail() {
        self.time.busy(1)
        self.mailBell.post(())
    }

    /// Rings the bell of the mail, so that what other processes left is found; and looks for work that nobody can do.
    func ringEverySecond() async {
        var busy = 0
        while !Task.isCancelled {
            let next = self.time.now.advanced(by: .seconds(1))
            do { try await self.time.sleep(until: next, for: .upkeep, releasing: busy) } catch { return }
            busy = 1
            self.ringForMail()
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
            for order in orders {
                await self.load(order)
                self.time.busy(-1)
            }
        }
    }

    private func load(_ order: LoadOrder) async {
        var pause = Duration.milliseconds(50)
        while !Task.isCancelled {
            do { return try await self.tryLoad(order) } catch {
                self.logger.warning("load failed, trying again", metadata: ["error": "\(error)"])
            }
            let next = self.time.now.advanced(by: pause)
            do { try await self.time.sleep(until: next, for: .work, releasing: 1) } catch { return }
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
        case .ready, .send, .followed, .unused, .ungranted, .claimed, .adopted, .stop, .revoke, .answer,
            .checkpointed, .left, .reply, .finished, .unreadable, .wake, .posted:
            break  // these never come here
        }
    }
}
