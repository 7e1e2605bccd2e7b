// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

extension EngineHost {
    // MARK: Definitions

    /// Registers a definition; false when exactly this one was known.
    package func register(_ definition: Definition) async throws(CanoError) -> Bool {
        let plan = try Plan(definition, limits: self.configuration.limits)
        if let known = self.plans.plan(definition.name, version: definition.version), known.digest == plan.digest {
            return false
        }
        try await self.store.save(definition)
        self.learn(plan)
        return true
    }

    /// The plan of a workflow; looks into the store when this process does not know it.
    ///
    /// Other coordinators register definitions as well, so the highest version is asked for anew once a second.
    func plan(_ name: String, version: Int?) async throws(CanoError) -> Plan? {
        let isKnown = version.map { self.plans.plan(name, version: $0) != nil } ?? self.isFresh
        if !isKnown { try await self.readDefinitions() }
        return self.plans.plan(name, version: version)
    }

    /// Whether the definitions of the store were read a moment ago.
    private var isFresh: Bool {
        let now = self.clock.monotonic()
        return self.definitionsReadAt.withLock { $0.map { now.milliseconds(since: $0) < 1000 } ?? false }
    }

    // MARK: Starts

    /// Starts runs; one answer for each request, in order.
    ///
    /// The audit gets one row for the whole call, in the commit of its first run.
    package func start(_ requests: [StartRequest], caller: Caller) async throws(CanoError) -> [StartAnswer] {
        let owned = self.driven
        guard !owned.isEmpty else {
            throw CanoError(.notOwner, "this coordinator owns no shard now; try again, or ask another coordinator")
        }
        var answers: [StartAnswer?] = Array(repeating: nil, count: requests.count)
        var orders: [(place: Int, order: StartOrder)] = []
        var plans: [String: Plan] = [:]
        // One shard for a whole call up to this size: fewer commits, and calls spread over the shards anyway.
        let perShard = 64
        var numbers = self.random.withLock { random in SplitMix64(seed: random.next()) }
        let firstShard = self.firstShard(of: owned.count, &numbers)
        for (place, request) in requests.enumerated() {
            let name = "\(request.workflow)@\(request.version ?? 0)"
            do throws(CanoError) {
                var plan = plans[name]
                if plan == nil { plan = try await self.plan(request.workflow, version: request.version) }
                guard let plan else { throw Self.unknown(request) }
                plans[name] = plan
                let shard = owned[(firstShard + place / perShard) % owned.count]
                orders.append((place, try self.order(request, plan, shard, &numbers)))
            } catch {
                answers[place] = .refused(error)
            }
        }
        let (call, ids) = self.requests.open(orders.map(\.order.run.shard))
        var batches: [ShardID: [StartOrder]] = [:]
        for (index, entry) in orders.enumerated() {
            var order = entry.order
            order.request = ids[index]
            batches[order.run.shard, default: []].append(order)
        }
        if let first = orders.first?.order.run {
            self.post(.audit(self.entry(caller, "start", orders.count, from: first)), to: first.shard)
        }
        for (shard, batch) in batches where !self.post(.start(batch), to: shard) {
            for order in batch { order.request.map { self.requests.fail($0) } }
        }
        for (index, reply) in await self.requests.replies(to: call).enumerated() {
            answers[orders[index].place] = Self.answer(reply, to: orders[index].order)
        }
        return answers.map { $0 ?? .refused(Self.noAnswer) }
    }

    /// Where the runs of a call go: runs that are started at about the same time share a few shards, so that what they
    /// do is committed in few batches; the few change ten times a second, so that runs spread over all shards all the
    /// same.
    private func firstShard(of count: Int, _ numbers: inout SplitMix64) -> Int {
        let few = min(count, max(2, Cores.count))
        let tenth = Int(self.clock.now().microseconds / 100_000)
        return (tenth % count * few + Int(numbers.next() % UInt64(few))) % count
    }

    private func entry(_ caller: Caller, _ action: String, _ count: Int, from first: RunID) -> AuditEntry {
        AuditEntry(
            at: self.clock.now(),
            actor: caller.name,
            via: caller.via,
            action: action,
            target: count == 1 ? first.description : "\(count) runs from \(first)"
        )
    }

    private func order(
        _ request: StartRequest,
        _ plan: Plan,
        _ shard: ShardID,
        _ numbers: inout SplitMix64
    ) throws(CanoError) -> StartOrder {
        let limits = self.configuration.limits
        let context = request.context ?? plan.definition.context ?? .emptyObject
        if context.count > limits.payloadBytes {
            let message = "the context has \(context.count) bytes, more than payloadBytes (\(limits.payloadBytes))"
            throw CanoError(.limitExceeded, message + "; keep the data elsewhere and pass a reference")
        }
        if let key = request.key, key.isEmpty || key.count > limits.nameCharacters {
            let message = "a key has 1 to \(limits.nameCharacters) characters, this one has \(key.count)"
            throw CanoError(.invalidInput, message)
        }
        if let key = request.key, ParentLink(key: key) != nil {
            let message = "the key '\(key)' has the form of a child's key (a run id, a slash, a number)"
            throw CanoError(.invalidInput, message + "; choose another one")
        }
        return StartOrder(
            run: RunID(at: self.clock.now(), shard: shard, random: (numbers.next(), numbers.next())),
            plan: plan,
            key: request.key,
            inputHash: request.key == nil ? 0 : Payload.inputHash(of: context),
            context: context,
            seed: numbers.next(),
            request: RequestID(rawValue: 0),
            trace: request.trace
        )
    }

    private static func answer(_ reply: ShardReply?, to order: StartOrder) -> StartAnswer {
        switch reply {
        case .created(let run): return .created(run)
        case .taken(let keyed):
            guard keyed.inputHash != order.inputHash else { return .existing(keyed.run) }
            let message =
                "key '\(order.key ?? "")' of \(order.plan.key.name) belongs to run \(keyed.run), which was "
                + "started with another context; use another key"
            return .refused(CanoError(.keyInUse, message))
        case .cancelled, .done, .refused, nil: return .refused(Self.noAnswer)
        }
    }

    static let noAnswer = CanoError(
        .notOwner,
        "the shard changed hands meanwhile; ask again with the same key to learn whether the run was started"
    )

    static func unknown(_ request: StartRequest) -> CanoError {
        let version = request.version.map { " version \($0)" } ?? ""
        let message =
            "there is no workflow '\(request.workflow)'\(version); apply its definition or start a worker that has it"
        return CanoError(.unknownWorkflow, message)
    }

    // MARK: Runs

    /// One run; throws `unknownRun`.
    package func run(_ id: RunID) async throws(CanoError) -> RunSummary {
        guard let summary = try await self.store.summary(of: id) else {
            throw CanoError(.unknownRun, "there is no run \(id); `cano runs` lists those there are")
        }
        return summary
    }

    /// The same as soon as the run has ended, or when `timeout` has passed.
    package func run(_ id: RunID, finishedWithin timeout: Span) async throws(CanoError) -> RunSummary {
        let deadline = self.time.now.advanced(by: timeout.duration)
        while true {
            let pause = min(.seconds(1), self.time.now.duration(to: deadline))
            let waiter = Task.isCancelled ? nil : FinishTicket(self.finishes, id)
            let summary = try await self.run(id)
            if summary.status.isFinished || pause <= .zero || waiter == nil {
                waiter?.cancel()
                return summary
            }
            // Another coordinator may own the run, so the store is asked now and then even if nothing is heard.
            await waiter?.wait(atMost: pause, by: self.time)
        }
    }

    /// Asks a run to end; returns its summary at that moment.
    package func cancel(_ id: RunID, caller: Caller) async throws(CanoError) -> RunSummary {
        let summary = try await self.run(id)
        guard !summary.status.isFinished else { return summary }
        let (call, requests) = self.requests.open([id.shard])
        let order = CancelOrder(run: id, caller: caller.name, via: caller.via, request: requests[0])
        guard self.post(.cancel(order), to: id.shard) else {
            self.requests.fail(requests[0])
            _ = await self.requests.replies(to: call)
            try await self.store.post([Mail(to: id.shard, .cancel(id, by: caller.name))])
            return summary
        }
        guard await self.requests.replies(to: call).first == .cancelled else { throw Self.noAnswer }
        return try await self.run(id)
    }
}
