// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine
package import Logging

/// The engine in one process: owns shards, drives them, brings work and workers together.
///
/// Embedded runner and coordinator are both this, with different sessions. It decides nothing itself: decisions are
/// made by `Shard`, `Dispatch` and `Ownership`.
package final class EngineHost: Sendable {
    package let store: any RunStore
    package let configuration: HostConfiguration
    package let clock: HostClock
    /// The monotonic time that this host lives by.
    package let time: any HostTime
    package let plans: PlanCatalogue
    let logger: Logger
    let committer: Committer
    let alarm: Alarm
    let turns = Turns()
    let requests = Requests()
    let finishes = FinishWaiters()
    let sessions = Guarded<[SessionID: any LeaseSession]>([:])
    let sessionsOfWorkers = Guarded<[WorkerID: SessionID]>([:])
    let shells = Guarded<[ShardID: ShardShell]>([:])
    /// The shards of these, in order.
    private let drivenShards = Guarded<[ShardID]>([])
    let dispatch = Guarded(Dispatch())
    let ownership: Guarded<Ownership>
    let loads = Mailbox<LoadOrder>()
    let ownershipEvents = Mailbox<Ownership.Event>()
    let mailBell = Mailbox<Void>()
    /// Who hears of what happens to runs, its own metrics included.
    let observers: [any RunObserver]
    /// What it counts with; `nil` when nothing is measured.
    let meters: Meters?
    let random = Guarded(SystemRandomNumberGenerator())
    /// When the store was last asked for its definitions, by this process's clock.
    let definitionsReadAt = Guarded<Instant?>(nil)

    /// A host of the engine on a store whose definitions are known to be readable.
    package init(
        store: any RunStore,
        configuration: HostConfiguration,
        logger: Logger
    ) async throws(CanoError) {
        let time = configuration.time.forHost()
        let clock = HostClock(storeTime: try await store.now(), time: time)
        self.time = time
        self.store = store
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        self.plans = PlanCatalogue()
        self.ownership = Guarded(Ownership(me: configuration.me, ttl: configuration.shardTTL))
        let meters = Meters(configuration.telemetry)
        self.meters = meters
        self.observers =
            configuration.observers + (meters.map { [MetricsObserver(meters: $0)] } ?? [])
            + (configuration.telemetry.tracer.map { [TracingObserver(tracer: $0)] } ?? [])
        self.committer = Committer(
            store: store,
            clock: clock,
            time: time,
            limits: configuration.limits,
            lanes: configuration.commitLanes,
            meters: meters
        )
        self.alarm = Alarm(clock: clock, time: time)
        try await self.readDefinitions()
    }

    func readDefinitions() async throws(CanoError) {
        let now = self.clock.monotonic()
        self.definitionsReadAt.withLock { $0 = now }
        for definition in try await self.store.definitions() { self.read(definition) }
    }

    /// Makes a stored definition ready.
    ///
    /// One that this version finds fault with stops nothing but its own runs, which stay as they are.
    func read(_ definition: Definition) {
        if self.plans.plan(definition.name, version: definition.version)?.definition == definition { return }
        do throws(CanoError) { self.learn(try Plan(definition, limits: self.configuration.limits)) } catch {
            self.logger.error(
                "definition cannot be used; its runs wait",
                metadata: ["definition": "\(definition.key)", "error": "\(error.message)"]
            )
        }
    }

    /// Takes in a definition, and tells the shards: their runs may start children of it or move to it.
    func learn(_ plan: Plan) {
        guard self.plans.add(plan) else { return }
        for shell in self.shells.withLock({ Array($0.values) }) { shell.post(.define(plan)) }
    }

    /// Owns and drives shards until the task is cancelled, then gives them up in order.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.committer.run() }
            for _ in 0..<Cores.count { group.addTask { await self.takeTurns() } }
            group.addTask { await self.alarm.run { self.wake($0) } }
            for _ in 0..<2 { group.addTask { await self.runLoader() } }
            group.addTask { await self.watchLeases() }
            group.addTask { await self.watchMail() }
            group.addTask { await self.watchStore() }
            group.addTask { await self.ringEverySecond() }
            // Shards are given up when the last of their commits is answered, and not before.
            let held = await withDiscardingTaskGroup { shards in
                while let events = await self.ownershipEvents.next() {
                    for event in events {
                        await self.own(event, in: &shards)
                        self.time.busy(-1)
                    }
                }
                let now = self.clock.monotonic()
                let (held, effects) = self.ownership.withLock { ($0.held, $0.apply(.stopped, at: now)) }
                for effect in effects { self.closeShell(effect) }
                return held
            }
            // What was posted behind the last commit is answered by nobody.
            for shard in held.keys { self.requests.fail(shard) }
            self.turns.close()
            self.committer.stop()
            await self.giveUp(held)
            group.cancelAll()
        }
        for observer in self.observers { observer.closed() }
        self.time.closed()
    }

    /// Drives shards that have something to do, until there will be none any more.
    private func takeTurns() async {
        var breather = Breather()
        self.turns.arrive(.driver)
        while let turn = await self.turns.next(.driver, &breather) {
            if case .drive(let shell) = turn { shell.drive() }
            if breather.isTired { await breather.rest() }
        }
    }

    /// Hands a shard's shell an event; false when the shard is not ours.
    @discardableResult
    func post(_ event: ShardEvent, to shard: ShardID) -> Bool {
        guard let shell = self.shells.withLock({ $0[shard] }) else { return false }
        return shell.post(event)
    }

    private func wake(_ sleeper: Alarm.Sleeper) {
        switch sleeper {
        case .shard(let shard): self.post(.tick, to: shard)
        case .commit(let shard): self.shells.withLock { $0[shard] }?.retry()
        case .dispatch: self.dispatch { _, _ in }  // being told the time is enough
        }
    }

    func isTrusted(_ shard: ShardID) -> Bool {
        let now = self.clock.monotonic()
        return self.ownership.withLock { $0.isTrusted(shard, at: now) }
    }

    /// The shards that are ours.
    package var owned: [ShardID: Epoch] { self.ownership.withLock { $0.held } }

    /// The shards that take events: a shard just taken becomes ours a moment before its shell begins.
    var driven: [ShardID] { self.drivenShards.withLock { $0 } }

    private func changeShells<Result>(_ body: (inout [ShardID: ShardShell]) -> Result) -> Result {
        self.shells.withLock { shells in
            defer { self.drivenShards.withLock { $0 = shells.keys.sorted() } }
            return body(&shells)
        }
    }

    // MARK: Ownership

    /// Something happened to the ownership of shards.
    func happened(_ event: Ownership.Event) {
        self.time.busy(1)
        self.ownershipEvents.post(event)
    }

    private func own(_ event: Ownership.Event, in group: inout DiscardingTaskGroup) async {
        let now = self.clock.monotonic()
        for effect in self.ownership.withLock({ $0.apply(event, at: now) }) {
            switch effect {
            case .take(let claims): await self.take(claims, in: &group)
            case .begin(let shard, let epoch, let last): self.begin(shard, epoch, after: last, in: &group)
            case .end: self.endShell(effect)
            }
        }
    }

    private func take(_ claims: [ShardClaim], in group: inout DiscardingTaskGroup) async {
        let sentAt = self.clock.monotonic()
        let event: Ownership.Event
        do {
            let won = try await self.store.take(claims, for: self.configuration.me, ttl: self.configuration.shardTTL)
            // The owner before us may have been told of definitions that we have not heard of.
            try await self.readDefinitions()
            event = .taken(claims, won: won)
        } catch {
            self.logger.warning("shards not taken", metadata: ["code": "\(error.code.name)", "error": "\(error)"])
            event = .takeFailed(claims)
        }
        let effects = self.ownership.withLock { $0.apply(event, at: sentAt) }
        for case .begin(let shard, let epoch, let last) in effects {
            self.begin(shard, epoch, after: last, in: &group)
        }
        if !effects.isEmpty {
            self.logger.info("shards taken", metadata: ["shards": "\(effects.count)"])
            self.tellOwned()
        }
    }

    private func begin(_ shard: ShardID, _ epoch: Epoch, after last: HostID?, in group: inout DiscardingTaskGroup) {
        let shell = ShardShell(shard: shard, epoch: epoch, after: last, host: self)
        self.changeShells { $0[shard] = shell }
        group.addTask {
            switch await shell.run() {
            case .closed: break
            case .stale:
                self.logger.notice(
                    "shard lost",
                    metadata: ["shard": "\(shard.rawValue)", "epoch": "\(epoch.rawValue)"]
                )
                self.happened(.stale(shard, epoch))
            case .unknown(let message):
                self.logger.warning(
                    "commit unknown, taking the shard again",
                    metadata: ["shard": "\(shard.rawValue)", "error": "\(message)"]
                )
                self.happened(.unknown(shard, epoch))
            }
        }
    }

    private func endShell(_ effect: Ownership.Effect) {
        guard let shard = self.closeShell(effect) else { return }
        self.requests.fail(shard)
    }

    @discardableResult
    private func closeShell(_ effect: Ownership.Effect) -> ShardID? {
        guard case .end(let shard, let epoch) = effect else { return nil }
        let shell = self.changeShells { shells -> ShardShell? in
            guard shells[shard]?.epoch == epoch else { return nil }
            return shells.removeValue(forKey: shard)
        }
        if shell != nil { self.dispatch { $0.lost(shard, effects: &$1) } }
        shell?.close()
        return shard
    }

    private func giveUp(_ held: [ShardID: Epoch]) async {
        guard !held.isEmpty else { return }
        do { try await self.store.release(held, for: self.configuration.me) } catch {
            self.logger.warning("shards not released; their leases run out", metadata: ["error": "\(error)"])
        }
    }

    /// Tells workers what is ours now, so that they offer the leases they still hold.
    private func tellOwned() {
        let owned = self.owned
        for session in self.sessions.withLock({ Array($0.keys) }) { self.deliver([.owned(owned)], to: session) }
    }
}
